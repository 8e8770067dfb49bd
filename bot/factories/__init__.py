"""The other rooms' parts, made from the settings: database, model, sandbox, tools, traces.

Never keeps or uses one: that is `bot.server`'s.
"""
