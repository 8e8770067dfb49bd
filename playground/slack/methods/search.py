"""assistant.search.context: Slack's search for an app, as far as the user of an action token may see."""

from __future__ import annotations

import re

from playground.slack.arguments import Arguments
from playground.slack.errors import Refused
from playground.slack.messages import SlackPost
from playground.slack.methods.method import Method
from playground.slack.methods.pages import metadata, page
from playground.slack.rates import Tier
from playground.slack.workspace import SlackWorkspace
from playground.slack.world import Channel, Json, Kind

_MOST = 20
_TYPES: dict[Kind, str] = {"channel": "public_channel", "private": "private_channel", "im": "im"}
_SCOPES = {"public_channel": "public", "private_channel": "private", "im": "im", "mpim": "mpim"}


def context(slack: SlackWorkspace, arguments: Arguments) -> Json:
    """By words: a message matches when it has one of the query's, and the one with the most comes first."""
    words = set(re.findall(r"\w{3,}", arguments.text("query").lower()))
    person = slack.credentials.searcher(arguments.text("action_token"))
    wanted = arguments.json("channel_types") or ["public_channel"]
    if not isinstance(wanted, list) or not all(isinstance(kind, str) and kind in _SCOPES for kind in wanted):
        raise Refused("invalid_arguments", "[ERROR] invalid channel_types")
    for kind in wanted:
        slack.credentials.need_scope(f"search:read.{_SCOPES[kind]}")
    found = [
        (len(words & set(re.findall(r"\w{3,}", message.text.lower()))), message)
        for channel in slack.state.channels.values()
        if _TYPES[channel.kind] in wanted and _sees(slack, person, channel)
        for message in slack.state.history(channel.id)
    ]
    best = sorted((one for one in found if one[0]), key=lambda one: (one[0], one[1].ts), reverse=True)
    shown, cursor = page([message for _, message in best], arguments, default=_MOST, most=_MOST)
    return {"results": {"messages": [_result(slack, message) for message in shown]}} | metadata(cursor)


def _sees(slack: SlackWorkspace, person: str, channel: Channel) -> bool:
    user = slack.directory.user(person)
    is_own = not user.is_guest and not user.team
    return person in channel.members or (is_own and channel.kind == "channel")


def _result(slack: SlackWorkspace, message: SlackPost) -> Json:
    author = slack.state.users.get(message.user)
    number = message.ts.replace(".", "")
    return {
        "author_name": author.real_name if author else "",
        "author_user_id": message.user,
        "team_id": slack.state.world.team.id,
        "channel_id": message.channel,
        "channel_name": slack.state.channels[message.channel].name,
        "message_ts": message.ts,
        "content": message.text,
        "is_author_bot": message.bot_id is not None,
        "permalink": f"{slack.shapes.base_url}/archives/{message.channel}/p{number}",
    }


METHODS = (Method("assistant.search.context", context, Tier.SPECIAL, "search:read.public"),)
