"""The words of command for pinned notes: `!note`."""
