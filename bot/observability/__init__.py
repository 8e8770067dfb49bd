"""Logging, metrics and a task's timeline."""
