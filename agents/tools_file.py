"""The file that names a team's MCP servers and which tools workers may call (HANDOFF_TOOLS_FILE)."""
