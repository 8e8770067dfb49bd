"""The Web API's methods, one module per family, and the table that names them all."""

from playground.slack.methods import (
    agents,
    app,
    chat,
    conversations,
    files,
    oauth,
    reactions,
    streams,
    users,
    views,
)
from playground.slack.methods.method import Method

METHODS: dict[str, Method] = {
    method.name: method
    for family in (agents, app, chat, conversations, files, oauth, reactions, streams, users, views)
    for method in family.METHODS
}
"""Every method the stand-in has; Slack answers the others with `unknown_method`, and so does it."""

__all__ = ["METHODS", "Method"]
