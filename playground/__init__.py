"""Handoff without a workspace and without a key: a Slack stand-in with a page, and a scripted demo model.

Imports no other room.
"""
