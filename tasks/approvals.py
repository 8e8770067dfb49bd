"""Decisions on calls that ask first, in SQL: bound to a task and to what was shown, used once."""
