"""Serializes the state and its changes for the page's protocol."""

from __future__ import annotations

from dataclasses import dataclass

from playground.slack.changes import (
    Call,
    Change,
    DirectoryChanged,
    EphemeralShown,
    FileChanged,
    HomeChanged,
    MessageChanged,
    MessageDeleted,
    ModalChanged,
    SessionChanged,
    SocketsChanged,
)
from playground.slack.files import File
from playground.slack.messages import SlackPost, Stream
from playground.slack.sessions import Session
from playground.slack.state import WorkspaceState
from playground.slack.world import Channel, Json, User


@dataclass(frozen=True, slots=True)
class Model:
    """The model behind the bot, as the page shows it. `scripted` is shown too."""

    label: str
    scripted: bool = False


def snapshot_json(state: WorkspaceState, model: Model | None, connections: int, *, killable: bool) -> Json:
    """The state that a page needs at the start and after a lost connection."""
    world = state.world
    return {
        "team": {"id": world.team.id, "name": world.team.name},
        "bot": {"user": world.bot.id, "name": world.bot.real_name, "killable": killable},
        "model": {"label": model.label, "scripted": model.scripted} if model else None,
        "users": [user_json(user) for user in state.users.values()],
        "channels": [channel_json(channel, world.bot.id) for channel in state.channels.values()],
        "messages": [message_json(message, state) for message in state.messages],
        "sessions": [session_json(session) for session in state.sessions.values()],
        "views": dict(state.homes),
        "modals": dict(state.modals),
        "prompts": [dict(prompt) for prompt in state.prompts],
        "connections": connections,
    }


def change_json(change: Change, state: WorkspaceState) -> Json | None:
    """The message pushed for a change; None if the change needs a whole new snapshot."""
    match change:
        case MessageChanged(message):
            return {"type": "message", "message": message_json(message, state)}
        case MessageDeleted(channel, ts):
            return {"type": "deleted", "channel": channel, "ts": ts}
        case EphemeralShown(user, message):
            return {"type": "ephemeral", "user": user, "message": message_json(message, state)}
        case SessionChanged(session):
            return {"type": "session", "session": session_json(session)}
        case HomeChanged(user, view):
            return {"type": "view", "user": user, "view": view}
        case ModalChanged(user, view):
            return {"type": "modal", "user": user, "view": view}
        case FileChanged(file_id):
            return {"type": "file", "file": file_id}
        case SocketsChanged(connections):
            return {"type": "socket", "connections": connections}
        case Call():
            line = {"type": "call", "method": change.method, "ok": change.ok, "at": change.at}
            return line if change.ok else line | {"error": change.error or f"HTTP {change.status}"}
        case DirectoryChanged():
            return None


def user_json(user: User) -> Json:
    shape = {
        "id": user.id,
        "name": user.name,
        "real_name": user.real_name,
        "is_bot": user.is_bot,
        "color": f"#{user.color}",
    }
    return shape | ({"status": user.status} if user.status else {})


def channel_json(channel: Channel, bot: str) -> Json:
    shape: Json = {"id": channel.id, "name": channel.name, "kind": "im" if channel.is_im else "channel"}
    if channel.is_im:
        shape["user"] = next(iter(channel.members - {bot}))
    if channel.topic:
        shape["topic"] = channel.topic
    return shape


def file_json(file: File) -> Json:
    return {
        "id": file.id,
        "name": file.name,
        "mimetype": file.mimetype,
        "size": file.size,
        "title": file.title,
        "url": f"/page/api/files/{file.id}",
        "user": file.user,
    }


def session_json(session: Session) -> Json:
    return {
        "channel": session.channel,
        "thread_ts": session.thread_ts,
        "status": session.status,
        "title": session.title,
        "text": session.text,
        "can_stop": session.can_stop,
    }


def message_json(message: SlackPost, state: WorkspaceState) -> Json:
    replies = [] if message.thread_ts else state.replies(message.channel, message.ts)
    shape: Json = {
        "channel": message.channel,
        "ts": message.ts,
        "thread_ts": message.thread_ts,
        "user": message.user,
        "bot": message.bot_id is not None,
        "text": message.text,
        "markdown": message.markdown,
        "blocks": list(message.blocks),
        "attachments": list(message.attachments),
        "files": [file_json(state.files[file]) for file in message.files],
        "reactions": [
            {"name": reaction.name, "users": list(reaction.users)} for reaction in message.reactions
        ],
        "edited": message.edited_ts is not None,
        "reply_count": len(replies),
        "reply_users": list(dict.fromkeys(reply.user for reply in replies)),
        "latest_reply": replies[-1].ts if replies else None,
        "broadcast": message.broadcast,
        "stream": stream_json(message.stream) if message.stream else None,
    }
    return shape | ({"username": message.username} if message.username else {})


def stream_json(stream: Stream) -> Json:
    rows = [
        {
            "id": row.id,
            "title": row.title,
            "status": row.status,
            "details": row.details,
            "output": row.output,
            "sources": [
                {"url": source.get("url", ""), "text": source.get("text", "")} for source in row.sources
            ],
        }
        for row in stream.rows
    ]
    return {"state": stream.state, "mode": stream.mode, "title": stream.title, "rows": rows}
