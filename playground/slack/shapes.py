"""Users, channels and messages in the JSON of Slack's Web API and events."""

from __future__ import annotations

from playground.slack.files import file_json
from playground.slack.messages import SlackPost, Stream, TaskCard
from playground.slack.rich_text import rich_text
from playground.slack.state import WorkspaceState
from playground.slack.world import Channel, Json, User


class Shapes:
    """Serializes from the state. File objects need the server's own URL."""

    def __init__(self, state: WorkspaceState) -> None:
        self._state = state
        self.base_url = ""

    def listens_on(self, host: str, port: int) -> None:
        """Sets the URL for a browser and a bot on this machine."""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host).strip("[]")
        self.base_url = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    def user(self, user: User) -> Json:
        team = self._state.world.team
        profile = {
            "real_name": user.real_name,
            "display_name": "",  # not set: Slack and the page show the real name
            "real_name_normalized": user.real_name,
            "display_name_normalized": "",
            "status_text": user.status,
            "team": user.team or team.id,
        }
        if user.is_bot:
            profile |= {"api_app_id": self._state.world.app_id, "bot_id": user.bot_id or ""}
        enterprise = {"enterprise_user": {"teams": list(user.organisation)}} if user.organisation else {}
        return enterprise | {
            "id": user.id,
            "team_id": user.team or team.id,
            "name": user.name,
            "deleted": False,
            "color": user.color,
            "real_name": user.real_name,
            "tz": user.tz,
            "tz_label": user.tz,
            "tz_offset": 0,
            "profile": profile,
            "is_admin": user.is_admin,
            "is_owner": user.is_admin,
            "is_primary_owner": user.is_admin,
            "is_restricted": user.is_guest,
            "is_ultra_restricted": False,
            "is_bot": user.is_bot,
            "is_app_user": False,
            "updated": 1_600_000_000,
        }

    def channel(self, channel: Channel) -> Json:
        bot = self._state.world.bot.id
        if channel.is_im:
            person = next(iter(channel.members - {bot}))
            return {
                "id": channel.id,
                "created": channel.created,
                "is_im": True,
                "is_org_shared": False,
                "is_archived": channel.archived,
                "user": person,
                "is_open": True,
            }
        return {
            "id": channel.id,
            "name": channel.name,
            "name_normalized": channel.name,
            "is_channel": channel.kind == "channel",
            "is_group": channel.kind == "private",
            "is_im": False,
            "is_mpim": False,
            "is_private": channel.kind == "private",
            "is_archived": channel.archived,
            "is_general": channel.name == "general",
            "is_shared": channel.external,
            "is_ext_shared": channel.external,
            "is_org_shared": False,
            "is_member": bot in channel.members,
            "created": channel.created,
            "creator": channel.creator,
            "context_team_id": self._state.world.team.id,
            "topic": {"value": channel.topic, "creator": channel.creator, "last_set": channel.created},
            "purpose": {"value": "", "creator": "", "last_set": 0},
            "num_members": len(channel.members),
        }

    def message(self, message: SlackPost, *, with_metadata: bool = False) -> Json:
        """A message as in conversations.history. Roots have reply counts; metadata comes on request."""
        shape: Json = {
            "type": "message",
            "user": message.user,
            "text": message.text or message.markdown or "",
            "ts": message.ts,
            "team": self._state.world.team.id,
        }
        shape |= self._author(message) | self._content(message) | self._thread(message)
        optional = {"subtype": message.subtype, "client_msg_id": message.client_msg_id}
        shape |= {key: value for key, value in optional.items() if value is not None}
        if not message.user:
            del shape["user"]  # incoming webhooks have none
        if message.stream is not None:
            shape["streaming_state"] = "in_progress" if message.stream.state == "streaming" else "completed"
        if message.edited_ts is not None:
            shape["edited"] = {"user": message.edited_by, "ts": message.edited_ts}
        if with_metadata and message.metadata is not None:
            shape["metadata"] = message.metadata
        return shape

    def file(self, file_id: str) -> Json:
        file = self._state.files[file_id]
        shared = [message for message in self._state.messages if file_id in message.files]
        shape = file_json(file, self._state.world.team.id, self.base_url)
        shape["channels"] = sorted({m.channel for m in shared if not self._state.channels[m.channel].is_im})
        shape["ims"] = sorted({m.channel for m in shared if self._state.channels[m.channel].is_im})
        return shape

    def _author(self, message: SlackPost) -> Json:
        if message.bot_id is None:
            return {}
        world = self._state.world
        shape: Json = {"bot_id": message.bot_id, "app_id": world.app_id}
        shape["bot_profile"] = {
            "id": message.bot_id,
            "app_id": world.app_id,
            "name": world.bot.real_name,
            "deleted": False,
            "team_id": world.team.id,
        }
        if message.username:
            shape["username"] = message.username
        return shape

    def _content(self, message: SlackPost) -> Json:
        shape: Json = {}
        blocks = [*stream_blocks(message.stream), *markdown_blocks(message), *message.blocks]
        if not blocks and message.client_msg_id is not None and message.text:
            blocks = [rich_text(message.text) | {"block_id": message.client_msg_id[:5]}]
        if blocks:
            shape["blocks"] = blocks
        if message.attachments:
            shape["attachments"] = list(message.attachments)
        if message.files:
            shape |= {
                "files": [self.file(file) for file in message.files],
                "upload": False,
                "display_as_bot": False,
            }
        if message.reactions:
            shape["reactions"] = [
                {"name": reaction.name, "users": list(reaction.users), "count": len(reaction.users)}
                for reaction in message.reactions
            ]
        return shape

    def _thread(self, message: SlackPost) -> Json:
        if message.thread_ts is not None:
            root = self._state.message(message.channel, message.thread_ts)
            return {"thread_ts": message.thread_ts} | ({"parent_user_id": root.user} if root else {})
        replies = self._state.replies(message.channel, message.ts)
        if not replies:
            return {}
        people = list(dict.fromkeys(reply.user for reply in replies))
        return {
            "thread_ts": message.ts,
            "reply_count": len(replies),
            "reply_users_count": len(people),
            "latest_reply": replies[-1].ts,
            "reply_users": people,
            "is_locked": False,
            "subscribed": True,
        }


def markdown_blocks(message: SlackPost) -> list[Json]:
    return [{"type": "markdown", "text": message.markdown}] if message.markdown else []


def stream_blocks(stream: Stream | None) -> list[Json]:
    """A stream's rows as the blocks that Slack stores: one plan, or a card each."""
    if stream is None or not stream.rows:
        return []
    cards = [_card(row) for row in stream.rows]
    return [{"type": "plan", "title": stream.title, "tasks": cards}] if stream.mode == "plan" else cards


def _card(row: TaskCard) -> Json:
    card: Json = {"type": "task_card", "task_id": row.id, "title": row.title, "status": row.status}
    if row.details:
        card["details"] = _rich_text(row.details)
    if row.output:
        card["output"] = _rich_text(row.output)
    if row.sources:
        card["sources"] = list(row.sources)
    return card


def _rich_text(text: str) -> Json:
    section = {"type": "rich_text_section", "elements": [{"type": "text", "text": text}]}
    return {"type": "rich_text", "elements": [section]}
