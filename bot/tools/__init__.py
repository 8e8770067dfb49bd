"""The orchestrator's tools to read Slack, bound to what the people of a task may see."""
