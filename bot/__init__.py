"""Slack in and out, the settings, the commands; the only room that puts the others together.

Never runs model-written code and never talks to a model.
"""
