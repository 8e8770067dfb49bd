"""files.getUploadURLExternal, completeUploadExternal, info and delete."""

from __future__ import annotations

from dataclasses import replace

from playground.slack.arguments import Arguments
from playground.slack.errors import Refused
from playground.slack.limits import posted_text
from playground.slack.messages import SlackPost
from playground.slack.methods.chat import named_thread, new_message
from playground.slack.methods.method import Method
from playground.slack.rates import Tier
from playground.slack.uploads import MAX_SIZE
from playground.slack.workspace import SlackWorkspace
from playground.slack.world import Channel, Json


def get_upload_url(slack: SlackWorkspace, arguments: Arguments) -> Json:
    name = arguments.text("filename")
    length = arguments.number("length", 0, most=MAX_SIZE + 1, error="invalid_arguments")
    alt = arguments.maybe_text("alt_txt") or ""
    file_id, url = slack.uploads.reserve(name, length, name, slack.state.world.bot.id, alt)
    return {"upload_url": url, "file_id": file_id}


def complete_upload(slack: SlackWorkspace, arguments: Arguments) -> Json:
    wanted = arguments.json("files")
    if not isinstance(wanted, list) or not wanted or not all(_is_file(file) for file in wanted):
        raise Refused("invalid_arguments", "[ERROR] files must be a list of objects with an id")
    channels = [slack.directory.writable(channel) for channel in _channels(arguments)]
    threads = [named_thread(slack, channel, arguments) for channel in channels]
    for channel in channels:
        slack.rates.count_post(channel.id)
    files = [slack.uploads.finish(file["id"], file.get("title")) for file in wanted]
    for channel, thread_ts in zip(channels, threads, strict=True):
        _share(slack, arguments, channel, thread_ts, tuple(file.id for file in files))
    return {"files": [slack.shapes.file(file.id) for file in files]}


def _is_file(file: object) -> bool:
    return isinstance(file, dict) and isinstance(file.get("id"), str)


def _channels(arguments: Arguments) -> list[str]:
    named = [arguments.text("channel_id")] if "channel_id" in arguments else []
    several = arguments.maybe_text("channels") or ""
    return named + [channel.strip() for channel in several.split(",") if channel.strip()]


def _share(
    slack: SlackWorkspace,
    arguments: Arguments,
    channel: Channel,
    thread_ts: str | None,
    files: tuple[str, ...],
) -> None:
    comment = posted_text(arguments.maybe_text("initial_comment") or "")
    message: SlackPost = replace(new_message(slack, channel, thread_ts, arguments), text=comment, files=files)
    slack.state.put_message(message)
    slack.events.posted(message)


def info(slack: SlackWorkspace, arguments: Arguments) -> Json:
    return {"file": slack.shapes.file(_known(slack, arguments)), "comments": [], "response_metadata": {}}


def delete(slack: SlackWorkspace, arguments: Arguments) -> Json:
    file_id = _known(slack, arguments)
    if slack.state.files[file_id].user != slack.state.world.bot.id:
        raise Refused("cant_delete_file")
    slack.state.remove_file(file_id)
    return {}


def _known(slack: SlackWorkspace, arguments: Arguments) -> str:
    file_id = arguments.text("file")
    if file_id not in slack.state.files or not slack.state.files[file_id].uploaded:
        raise Refused("file_not_found")
    return file_id


METHODS = (
    Method("files.getUploadURLExternal", get_upload_url, Tier.TIER_4, "files:write"),
    Method("files.completeUploadExternal", complete_upload, Tier.TIER_4, "files:write"),
    Method("files.info", info, Tier.TIER_4, "files:read"),
    Method("files.delete", delete, Tier.TIER_3, "files:write"),
)
