"""Strings that people, models, databases and endpoints can take: shortened and sanitized."""
