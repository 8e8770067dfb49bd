"""Installing Handoff into several workspaces by OAuth, and uninstalling it."""
