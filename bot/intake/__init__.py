"""Messages on their way in: written down, acked, checked for access, and accepted as tasks."""
