"""Handoff without a Slack workspace or an API key: a local Slack with a page, and a scripted demo model.

Imports no other room.
"""
