"""reactions.add, remove and get."""

from __future__ import annotations

import re

from playground.slack.arguments import Arguments
from playground.slack.errors import Refused
from playground.slack.messages import SlackPost
from playground.slack.methods.method import Method
from playground.slack.rates import Tier
from playground.slack.workspace import SlackWorkspace
from playground.slack.world import Json

MAX_KINDS = 50
"""The most different reactions on one message."""
_NAME = re.compile(r"[a-z0-9_+'-]+(::skin-tone-[2-6])?")


def add(slack: SlackWorkspace, arguments: Arguments) -> Json:
    message, name, bot = *_reaction(slack, arguments), slack.state.world.bot.id
    if message.reacted(name, bot):
        raise Refused("already_reacted")
    if len(message.reactions) >= MAX_KINDS and all(name != reaction.name for reaction in message.reactions):
        raise Refused("too_many_emoji")
    slack.state.put_message(message.with_reaction(name, bot))
    slack.events.reacted(message, name, bot)
    return {}


def remove(slack: SlackWorkspace, arguments: Arguments) -> Json:
    message, name, bot = *_reaction(slack, arguments), slack.state.world.bot.id
    if not message.reacted(name, bot):
        raise Refused("no_reaction")
    slack.state.put_message(message.without_reaction(name, bot))
    slack.events.reacted(message, name, bot, added=False)
    return {}


def get(slack: SlackWorkspace, arguments: Arguments) -> Json:
    message = _message(slack, arguments)
    return {"type": "message", "channel": message.channel, "message": slack.shapes.message(message)}


def _reaction(slack: SlackWorkspace, arguments: Arguments) -> tuple[SlackPost, str]:
    name = arguments.text("name").strip(":")
    if not _NAME.fullmatch(name):
        raise Refused("invalid_name")
    return _message(slack, arguments), name


def _message(slack: SlackWorkspace, arguments: Arguments) -> SlackPost:
    if "channel" not in arguments or "timestamp" not in arguments:
        raise Refused("no_item_specified")
    channel = slack.directory.writable(arguments.text("channel"))
    return slack.directory.message(channel, arguments.text("timestamp"))


METHODS = (
    Method("reactions.add", add, Tier.TIER_3, "reactions:write"),
    Method("reactions.remove", remove, Tier.TIER_2, "reactions:write"),
    Method("reactions.get", get, Tier.TIER_3, "reactions:read"),
)
