"""Checks whether Handoff can work: before it starts, before its first message, and now."""
