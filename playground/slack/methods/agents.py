"""agents.sessions.setStatus and rename, and assistant.threads.setStatus, setTitle and setSuggestedPrompts."""

from __future__ import annotations

from dataclasses import replace
from typing import get_args

from playground.slack.arguments import Arguments
from playground.slack.errors import Refused
from playground.slack.methods.method import Method
from playground.slack.rates import Tier
from playground.slack.sessions import Session, SessionStatus
from playground.slack.workspace import SlackWorkspace
from playground.slack.world import Channel, Json

MAX_TITLE = 200
MAX_PROMPTS = 4
MAX_LOADING_MESSAGES = 10
STATUS_LIFETIME = 120.0
"""Seconds after which Slack clears an assistant's status."""
PROCESSING_LIFETIME = 3600.0
"""Seconds after which Slack stops showing a session as processing."""
STOP_EVENT = "agent_session_stopped"
_STATUSES: dict[str, SessionStatus] = {status: status for status in get_args(SessionStatus) if status}


def set_status(slack: SlackWorkspace, arguments: Arguments) -> Json:
    channel = slack.directory.writable(arguments.text("channel_id"))
    root = slack.directory.thread(channel, arguments.text("thread_ts"))
    status = read_status(arguments, "status")
    title = _title(arguments) if "title" in arguments else ""
    initiator = arguments.maybe_text("initiator_user_id")
    if initiator and slack.directory.user(initiator).id not in channel.members:
        raise Refused("user_not_in_channel")
    known = session_of(slack, channel, root.ts)
    slack.state.put_session(
        replace(known, title=known.title or title, initiator=known.initiator or initiator)
    )
    set_session_status(slack, channel, root.ts, status)
    if status == "processing" and STOP_EVENT not in slack.events.subscriptions:
        warning = "missing_agent_session_stopped_event_subscription"
        return {"warning": warning, "response_metadata": {"warnings": [warning]}}
    return {}


def read_status(arguments: Arguments, name: str) -> SessionStatus:
    status = _STATUSES.get(arguments.text(name))
    if status is None:
        raise Refused(
            "invalid_arguments", f"[ERROR] must be one of {', '.join(_STATUSES)} [json-pointer:/{name}]"
        )
    return status


def session_of(slack: SlackWorkspace, channel: Channel, thread_ts: str) -> Session:
    """The thread's session, or a new one that is not visible yet."""
    return slack.state.sessions.get((channel.id, thread_ts)) or Session(channel.id, thread_ts)


def set_session_status(
    slack: SlackWorkspace, channel: Channel, thread_ts: str, status: SessionStatus
) -> None:
    can_stop = status == "processing" and STOP_EVENT in slack.events.subscriptions
    session = replace(session_of(slack, channel, thread_ts), status=status, can_stop=can_stop)
    slack.state.put_session(session)

    def forget() -> None:
        if slack.state.sessions.get((channel.id, thread_ts)) is session:
            slack.state.put_session(replace(session, status="active", can_stop=False))

    if status == "processing":
        slack.background.later(PROCESSING_LIFETIME, forget)


def rename(slack: SlackWorkspace, arguments: Arguments) -> Json:
    channel = slack.directory.writable(arguments.text("channel_id"))
    root = slack.directory.thread(channel, arguments.text("thread_ts"))
    if (channel.id, root.ts) not in slack.state.sessions:
        raise Refused("session_not_found")
    slack.state.put_session(replace(session_of(slack, channel, root.ts), title=_title(arguments)))
    return {}


def set_assistant_status(slack: SlackWorkspace, arguments: Arguments) -> Json:
    channel = slack.directory.writable(arguments.text("channel_id"))
    root = slack.directory.thread(channel, arguments.text("thread_ts"))
    loading = arguments.json("loading_messages")
    if loading is not None and (not isinstance(loading, list) or len(loading) > MAX_LOADING_MESSAGES):
        raise Refused("invalid_arguments", f"[ERROR] no more than {MAX_LOADING_MESSAGES} loading_messages")
    session = replace(session_of(slack, channel, root.ts), text=arguments.maybe_text("status") or "")
    slack.state.put_session(session)

    def forget() -> None:
        if slack.state.sessions.get((channel.id, root.ts)) is session:
            slack.state.put_session(replace(session, text=""))

    if session.text:
        slack.background.later(STATUS_LIFETIME, forget)
    return {}


def set_assistant_title(slack: SlackWorkspace, arguments: Arguments) -> Json:
    channel = slack.directory.writable(arguments.text("channel_id"))
    root = slack.directory.thread(channel, arguments.text("thread_ts"))
    slack.state.put_session(replace(session_of(slack, channel, root.ts), title=_title(arguments)))
    return {}


def set_suggested_prompts(slack: SlackWorkspace, arguments: Arguments) -> Json:
    slack.directory.joined(arguments.text("channel_id"))
    prompts = arguments.json("prompts")
    if not isinstance(prompts, list) or not 1 <= len(prompts) <= MAX_PROMPTS:
        raise Refused("invalid_arguments", f"[ERROR] prompts must hold 1 to {MAX_PROMPTS} items")
    if not all(_is_prompt(prompt) for prompt in prompts):
        raise Refused("invalid_arguments", "[ERROR] each prompt needs a title and a message")
    slack.state.put_prompts({"title": prompt["title"], "message": prompt["message"]} for prompt in prompts)
    return {}


def _is_prompt(prompt: object) -> bool:
    return isinstance(prompt, dict) and all(isinstance(prompt.get(key), str) for key in ("title", "message"))


def _title(arguments: Arguments) -> str:
    title = arguments.text("title")
    if len(title) > MAX_TITLE:
        raise Refused(
            "invalid_arguments", f"[ERROR] must be less than {MAX_TITLE + 1} characters [json-pointer:/title]"
        )
    return title


METHODS = (
    Method("agents.sessions.setStatus", set_status, Tier.TIER_3, "chat:write"),
    Method("agents.sessions.rename", rename, Tier.TIER_3, "chat:write"),
    Method("assistant.threads.setStatus", set_assistant_status, Tier.SPECIAL, "chat:write"),
    Method("assistant.threads.setTitle", set_assistant_title, Tier.TIER_4, "assistant:write"),
    Method("assistant.threads.setSuggestedPrompts", set_suggested_prompts, Tier.TIER_4, "assistant:write"),
)
