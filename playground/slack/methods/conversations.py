"""conversations.info, list, members, open, join, history and replies, and users.conversations."""

from __future__ import annotations

from dataclasses import replace

from playground.slack.arguments import Arguments
from playground.slack.errors import Refused
from playground.slack.messages import SlackPost
from playground.slack.methods.method import Method
from playground.slack.methods.pages import metadata, page
from playground.slack.rates import Tier
from playground.slack.workspace import SlackWorkspace
from playground.slack.world import Channel, Json, Kind

_SCOPE_PREFIX: dict[Kind, str] = {"channel": "channels", "private": "groups", "im": "im"}
_TYPES: dict[Kind, str] = {"channel": "public_channel", "private": "private_channel", "im": "im"}


def info(slack: SlackWorkspace, arguments: Arguments) -> Json:
    channel = slack.directory.channel(arguments.text("channel"))
    slack.credentials.need_scope(f"{_SCOPE_PREFIX[channel.kind]}:read")
    return {"channel": slack.shapes.channel(channel)}


def list_channels(slack: SlackWorkspace, arguments: Arguments) -> Json:
    return _listed(slack, arguments, tuple(slack.state.channels.values()))


def list_joined(slack: SlackWorkspace, arguments: Arguments) -> Json:
    """users.conversations: of the bot itself, or of a person as far as the bot can see."""
    user = slack.directory.user(arguments.maybe_text("user") or slack.state.world.bot.id)
    joined = (channel for channel in slack.state.channels.values() if user.id in channel.members)
    return _listed(slack, arguments, tuple(joined))


def _listed(slack: SlackWorkspace, arguments: Arguments, channels: tuple[Channel, ...]) -> Json:
    wanted = {kind.strip() for kind in (arguments.maybe_text("types") or "public_channel").split(",")}
    if wanted - {"public_channel", "private_channel", "im", "mpim"}:
        raise Refused("invalid_types")
    visible = [
        channel
        for channel in channels
        if _TYPES[channel.kind] in wanted
        and (channel.kind == "channel" or slack.directory.bot_is_in(channel))
        and not (channel.archived and arguments.flag("exclude_archived"))
    ]
    shown, cursor = page(visible, arguments, default=100, most=1000)
    return {"channels": [slack.shapes.channel(channel) for channel in shown]} | metadata(cursor)


def members(slack: SlackWorkspace, arguments: Arguments) -> Json:
    channel = slack.directory.channel(arguments.text("channel"))
    slack.credentials.need_scope(f"{_SCOPE_PREFIX[channel.kind]}:read")
    shown, cursor = page(sorted(channel.members), arguments, default=100, most=1000)
    return {"members": list(shown)} | metadata(cursor)


def open_conversation(slack: SlackWorkspace, arguments: Arguments) -> Json:
    if "channel" in arguments:
        channel = slack.directory.joined(arguments.text("channel"))
    elif "users" in arguments:
        users = arguments.text("users").split(",")
        if len(users) > 1:
            raise Refused(
                "method_not_supported_for_channel_type", "[ERROR] the playground has no group messages"
            )
        channel = slack.directory.direct_message(users[0].strip())
    else:
        raise Refused("users_list_not_supplied")
    shape = slack.shapes.channel(channel) if arguments.flag("return_im") else {"id": channel.id}
    return {"channel": shape, "no_op": True, "already_open": True}


def join(slack: SlackWorkspace, arguments: Arguments) -> Json:
    channel = slack.directory.channel(arguments.text("channel"))
    if channel.kind != "channel":
        raise Refused("method_not_supported_for_channel_type")
    if channel.archived:
        raise Refused("is_archived")
    bot = slack.state.world.bot.id
    if bot in channel.members:
        return {"channel": slack.shapes.channel(channel), "warning": "already_in_channel"}
    joined = replace(channel, members=channel.members | {bot})
    slack.state.put_channel(joined)
    slack.events.joined(joined, bot)
    return {"channel": slack.shapes.channel(joined)}


def history(slack: SlackWorkspace, arguments: Arguments) -> Json:
    channel = _readable(slack, arguments)
    messages = [
        message
        for message in reversed(slack.state.history(channel.id))
        if (message.thread_ts is None or message.broadcast) and _within(message, arguments)
    ]
    return _messages(slack, messages, arguments, default=100)


def replies(slack: SlackWorkspace, arguments: Arguments) -> Json:
    channel = _readable(slack, arguments)
    named = slack.state.message(channel.id, arguments.text("ts"))
    if named is None:
        raise Refused("thread_not_found")
    if named.thread_ts is not None:
        return _messages(slack, [named], arguments, default=1000)
    answers = [
        message for message in slack.state.replies(channel.id, named.ts) if _within(message, arguments)
    ]
    return _messages(slack, [named, *answers], arguments, default=1000)


def _readable(slack: SlackWorkspace, arguments: Arguments) -> Channel:
    channel = slack.directory.joined(arguments.text("channel"))
    slack.credentials.need_scope(f"{_SCOPE_PREFIX[channel.kind]}:history")
    return channel


def _within(message: SlackPost, arguments: Arguments) -> bool:
    oldest, latest = arguments.maybe_text("oldest"), arguments.maybe_text("latest")
    at = float(message.ts)
    if arguments.flag("inclusive") and at in (_seconds(oldest, -1), _seconds(latest, -1)):
        return True
    return _seconds(oldest, 0) < at < _seconds(latest, float("inf"))


def _seconds(ts: str | None, otherwise: float) -> float:
    if not ts:
        return otherwise
    try:
        return float(ts)
    except ValueError:
        raise Refused("invalid_ts_oldest") from None


def _messages(slack: SlackWorkspace, found: list[SlackPost], arguments: Arguments, *, default: int) -> Json:
    shown, cursor = page(found, arguments, default=default, most=1000)
    with_metadata = arguments.flag("include_all_metadata")
    answer: Json = {
        "messages": [slack.shapes.message(message, with_metadata=with_metadata) for message in shown],
        "has_more": bool(cursor),
    }
    return answer | (metadata(cursor) if cursor else {})


METHODS = (
    Method("conversations.info", info, Tier.TIER_3),
    Method("conversations.list", list_channels, Tier.TIER_2, "channels:read"),
    Method("users.conversations", list_joined, Tier.TIER_3, "channels:read"),
    Method("conversations.members", members, Tier.TIER_4),
    Method("conversations.open", open_conversation, Tier.TIER_3, "im:write"),
    Method("conversations.join", join, Tier.TIER_3, "channels:join"),
    Method("conversations.history", history, Tier.TIER_3),
    Method("conversations.replies", replies, Tier.TIER_3),
)
