"""Handoff without a workspace and without a key: a local Slack stand-in with a page, and a demo model.

Imports no other room.
"""
