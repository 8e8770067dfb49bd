"""The workspaces that Handoff is installed in: their tokens on our database, encrypted at rest.

Bolt's installation store. Never calls Slack: asking for a token is `bot.oauth`'s.
"""
