"""chat.startStream, appendStream and stopStream."""

from __future__ import annotations

from dataclasses import replace
from typing import get_args

from playground.slack.arguments import Arguments
from playground.slack.blocks import check_blocks
from playground.slack.chunks import read_content
from playground.slack.errors import Refused
from playground.slack.limits import check_metadata
from playground.slack.messages import DisplayMode, SlackPost, Stream
from playground.slack.methods.agents import read_status, set_session_status
from playground.slack.methods.chat import clear_status, new_message
from playground.slack.methods.method import Method
from playground.slack.rates import Tier
from playground.slack.workspace import SlackWorkspace
from playground.slack.world import Channel, Json

_MODES: dict[str, DisplayMode] = {mode: mode for mode in get_args(DisplayMode)}


def start_stream(slack: SlackWorkspace, arguments: Arguments) -> Json:
    channel = slack.directory.writable(arguments.text("channel"))
    root = slack.directory.thread(channel, arguments.text("thread_ts"))
    _check_recipient(slack, channel, arguments)
    mode = _MODES.get(arguments.maybe_text("task_display_mode") or "timeline")
    if mode is None:
        raise Refused("invalid_arguments", "[ERROR] must be one of timeline, plan, dense")
    content = read_content(arguments)
    message = replace(new_message(slack, channel, root.ts, arguments), stream=Stream(mode=mode))
    slack.streams.start(message, content)
    clear_status(slack, channel.id, root.ts)
    return {"channel": channel.id, "ts": message.ts}


def _check_recipient(slack: SlackWorkspace, channel: Channel, arguments: Arguments) -> None:
    """Outside a direct message, Slack requires the recipient of the text."""
    team, user = arguments.maybe_text("recipient_team_id"), arguments.maybe_text("recipient_user_id")
    if not channel.is_im and not user:
        raise Refused("missing_recipient_user_id")
    if not channel.is_im and not team:
        raise Refused("missing_recipient_team_id")
    if user:
        slack.directory.user(user)
    if team and team != slack.state.world.team.id:
        raise Refused("team_not_found")


def append_stream(slack: SlackWorkspace, arguments: Arguments) -> Json:
    channel, message = _streamed(slack, arguments)
    content = read_content(arguments)
    if not content.form:
        raise Refused("no_text")
    slack.streams.append(message, content)
    return {"channel": channel.id, "ts": message.ts}


def stop_stream(slack: SlackWorkspace, arguments: Arguments) -> Json:
    channel, message = _streamed(slack, arguments)
    blocks = check_blocks(arguments.json("blocks", "invalid_blocks_format"))
    metadata = check_metadata(arguments.json("metadata", "invalid_metadata_format"))
    status = read_status(arguments, "session_status") if "session_status" in arguments else None
    stopped = slack.streams.stop(message, read_content(arguments), blocks, metadata)
    if status is not None:
        set_session_status(slack, channel, message.root, status)
    return {
        "channel": channel.id,
        "ts": message.ts,
        "message": slack.shapes.message(stopped, with_metadata=True),
    }


def _streamed(slack: SlackWorkspace, arguments: Arguments) -> tuple[Channel, SlackPost]:
    channel = slack.directory.writable(arguments.text("channel"))
    return channel, slack.directory.own_message(channel, arguments.text("ts"), "message_not_owned_by_app")


METHODS = (
    Method("chat.startStream", start_stream, Tier.TIER_2, "chat:write"),
    Method("chat.appendStream", append_stream, Tier.TIER_4, "chat:write"),
    Method("chat.stopStream", stop_stream, Tier.TIER_2, "chat:write"),
)
