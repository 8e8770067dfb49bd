"""A task's thread: its plan, answer, files and earlier messages. Nothing else writes to the thread."""
