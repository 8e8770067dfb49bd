"""The Web API's methods, one module per family, and the table of all of them."""

from playground.slack.methods import (
    agents,
    app,
    chat,
    conversations,
    files,
    oauth,
    reactions,
    search,
    streams,
    users,
    views,
)
from playground.slack.methods.method import Method

METHODS: dict[str, Method] = {
    method.name: method
    for family in (agents, app, chat, conversations, files, oauth, reactions, search, streams, users, views)
    for method in family.METHODS
}
"""Every method of the stand-in. All others get `unknown_method`, as from Slack."""

__all__ = ["METHODS", "Method"]
