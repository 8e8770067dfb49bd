"""Installing into a workspace by OAuth: the two pages, and cleaning up when a workspace takes it back.

Never keeps a token itself: that is `bot.installations`.
"""
