"""Tools of MCP servers: connected once per process, called by workers."""
