"""chat.postMessage, update, delete, postEphemeral and getPermalink."""

from __future__ import annotations

from dataclasses import dataclass, replace

from playground.slack.arguments import Arguments
from playground.slack.blocks import check_blocks
from playground.slack.errors import Refused
from playground.slack.limits import check_markdown, check_metadata, posted_text, updated_text
from playground.slack.messages import SlackPost
from playground.slack.methods.method import Method
from playground.slack.rates import Tier
from playground.slack.workspace import SlackWorkspace
from playground.slack.world import Channel, Json


@dataclass(frozen=True, slots=True)
class _MessageContent:
    """The content of a call. None for what it does not set."""

    text: str | None
    markdown: str | None
    blocks: tuple[Json, ...] | None
    attachments: tuple[Json, ...] | None


def _read_message(arguments: Arguments) -> _MessageContent:
    """The content of a message.

    Raises Refused if it is empty, too large, or sets two fields that exclude each other.
    """
    text, markdown = arguments.maybe_text("text"), arguments.maybe_text("markdown_text")
    blocks = arguments.json("blocks", "invalid_blocks_format")
    attachments = arguments.json("attachments", "invalid_attachments")
    if markdown and (text or blocks):
        raise Refused("markdown_text_conflict")
    if not (text or markdown or blocks or attachments) and blocks is None:
        raise Refused("no_text")
    if attachments is not None and not isinstance(attachments, list):
        raise Refused("invalid_attachments")
    if attachments is not None and len(attachments) > 100:
        raise Refused("too_many_attachments")
    return _MessageContent(
        text,
        check_markdown(markdown) if markdown else None,
        None if blocks is None else check_blocks(blocks),
        None if attachments is None else tuple(attachments),
    )


def named_thread(slack: SlackWorkspace, channel: Channel, arguments: Arguments) -> str | None:
    """The thread that a call writes in; None if it names none."""
    if "thread_ts" not in arguments:
        return None
    return slack.directory.thread(channel, arguments.text("thread_ts")).ts


def new_message(
    slack: SlackWorkspace, channel: Channel, thread_ts: str | None, arguments: Arguments
) -> SlackPost:
    """An empty message of the bot, with the username that the call asks for."""
    bot = slack.state.world.bot
    customized = "chat:write.customize" in slack.credentials.scopes
    return SlackPost(
        channel.id,
        slack.state.new_ts(),
        bot.id,
        thread_ts=thread_ts,
        bot_id=bot.bot_id,
        username=arguments.maybe_text("username") if customized else None,
    )


def post_message(slack: SlackWorkspace, arguments: Arguments) -> Json:
    channel = slack.directory.writable(arguments.text("channel"))
    written = _read_message(arguments)
    metadata = check_metadata(arguments.json("metadata", "invalid_metadata_format"))
    thread_ts = named_thread(slack, channel, arguments)
    broadcast = thread_ts is not None and arguments.flag("reply_broadcast")
    slack.rates.count_post(channel.id)
    message = replace(
        new_message(slack, channel, thread_ts, arguments),
        text=posted_text(written.text or ""),
        markdown=written.markdown,
        blocks=written.blocks or (),
        attachments=written.attachments or (),
        broadcast=broadcast,
        subtype="thread_broadcast" if broadcast else None,
        metadata=metadata,
    )
    slack.state.put_message(message)
    if thread_ts is not None:
        clear_status(slack, channel.id, thread_ts)
    slack.events.posted(message)
    return {
        "channel": channel.id,
        "ts": message.ts,
        "message": slack.shapes.message(message, with_metadata=True),
    }


def clear_status(slack: SlackWorkspace, channel: str, thread_ts: str) -> None:
    """An answer clears the assistant's status, as in Slack."""
    session = slack.state.sessions.get((channel, thread_ts))
    if session is not None and session.text:
        slack.state.put_session(replace(session, text=""))


def update_message(slack: SlackWorkspace, arguments: Arguments) -> Json:
    channel = slack.directory.writable(arguments.text("channel"))
    before = slack.directory.own_message(channel, arguments.text("ts"), "cant_update_message")
    if before.stream is not None and before.stream.state == "streaming":
        raise Refused("streaming_state_conflict")
    written = _read_message(arguments)
    metadata = check_metadata(arguments.json("metadata", "invalid_metadata_format"))
    after = replace(
        before,
        text=updated_text(written.text or ""),
        markdown=written.markdown,
        blocks=before.blocks if written.blocks is None else written.blocks,
        attachments=before.attachments if written.attachments is None else written.attachments,
        metadata=metadata or before.metadata,
        stream=None,
        edited_by=before.edited_by if written.blocks else slack.state.world.bot.id,
        edited_ts=before.edited_ts if written.blocks else slack.state.new_ts(),
    )
    slack.state.put_message(after)
    slack.events.changed(before, after)
    shape = slack.shapes.message(after, with_metadata=True)
    return {"channel": channel.id, "ts": after.ts, "text": shape["text"], "message": shape}


def delete_message(slack: SlackWorkspace, arguments: Arguments) -> Json:
    channel = slack.directory.writable(arguments.text("channel"))
    message = slack.directory.own_message(channel, arguments.text("ts"), "cant_delete_message")
    if message.stream is not None and message.stream.state == "streaming":
        raise Refused("cant_delete_message")
    slack.state.remove_message(message)
    slack.events.deleted(message)
    return {"channel": channel.id, "ts": message.ts}


def post_ephemeral(slack: SlackWorkspace, arguments: Arguments) -> Json:
    channel = slack.directory.writable(arguments.text("channel"))
    user = slack.directory.user(arguments.text("user"))
    if user.id not in channel.members:
        raise Refused("user_not_in_channel")
    written = _read_message(arguments)
    thread_ts = named_thread(slack, channel, arguments)
    message = replace(
        new_message(slack, channel, thread_ts, arguments),
        text=posted_text(written.text or ""),
        markdown=written.markdown,
        blocks=written.blocks or (),
    )
    slack.state.show_ephemeral(user.id, message)
    return {"message_ts": message.ts}


def get_permalink(slack: SlackWorkspace, arguments: Arguments) -> Json:
    channel = slack.directory.joined(arguments.text("channel"))
    message = slack.directory.message(channel, arguments.text("message_ts"))
    link = f"{slack.shapes.base_url}/archives/{channel.id}/p{message.ts.replace('.', '')}"
    if message.thread_ts is not None:
        link += f"?thread_ts={message.thread_ts}&cid={channel.id}"
    return {"channel": channel.id, "permalink": link}


METHODS = (
    Method("chat.postMessage", post_message, Tier.SPECIAL, "chat:write"),
    Method("chat.update", update_message, Tier.TIER_3, "chat:write"),
    Method("chat.delete", delete_message, Tier.TIER_3, "chat:write"),
    Method("chat.postEphemeral", post_ephemeral, Tier.TIER_4, "chat:write"),
    Method("chat.getPermalink", get_permalink, Tier.SPECIAL),
)
