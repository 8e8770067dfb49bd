"""The Slack app's manifest: what Handoff asks of a workspace, and the reason for each scope.

Limits of Slack that tests hold it to: short description 140 characters, long description 175 to 4,000, agent
description 300, at most 4 suggested prompts.
"""

from __future__ import annotations

import json
from urllib.parse import quote, urlsplit

EVENTS_PATH = "/slack/events"
#: The slash command, and the id of the message shortcut.
COMMAND, SHORTCUT = "/handoff", "handoff_message"
INSTALL_PATH, REDIRECT_PATH = "/slack/install", "/slack/oauth_redirect"

#: Scope of the bot token -> what it is for.
SCOPES = {
    "app_mentions:read": "hear mentions",
    "assistant:write": "set status, title and suggested prompts of a thread; Slack adds it to every agent",
    "channels:history": "hear replies without a mention in public channels, and read them",
    "channels:read": "know a public channel's name and members, and hear when it is open again",
    "chat:write": "post, stream and edit answers",
    "commands": "take /handoff and the message shortcut",
    "files:read": "fetch the files attached to a message",
    "files:write": "post files and plots",
    "groups:history": "hear replies without a mention in private channels it was invited to, and read them",
    "groups:read": "know a private channel's name and members, and hear when it is open again",
    "im:history": "hear direct messages",
    "im:read": "know that a conversation is a direct message",
    "mpim:history": "hear group direct messages",
    "mpim:read": "know who is in a group direct message",
    "reactions:read": "take the ❌ reaction as stop",
    "reactions:write": "show 👀 at once",
    "search:read.public": "search public channels for what people ask",
    "users:read": "know people's names and time zones",
}

#: Event the app subscribes to -> scopes of which one is needed to receive it; none: no scope needed.
EVENTS: dict[str, tuple[str, ...]] = {
    "agent_session_stopped": (),
    "app_home_opened": (),
    "app_mention": ("app_mentions:read",),
    "app_uninstalled": (),
    "channel_unarchive": ("channels:read",),
    "group_unarchive": ("groups:read",),
    "member_joined_channel": ("channels:read", "groups:read"),
    "message.channels": ("channels:history",),
    "message.groups": ("groups:history",),
    "message.im": ("im:history",),
    "message.mpim": ("mpim:history",),
    "reaction_added": ("reactions:read",),
    "tokens_revoked": (),
}

_NAME = "Handoff"
_DESCRIPTION = "Hand a task to a team of agents and watch the work in the thread."
_LONG_DESCRIPTION = (
    "Mention Handoff with a task, in a channel, a thread or a direct message. It plans the work, gives "
    "independent parts to workers that run at the same time, shows what each of them is doing, and answers "
    "in the thread with the result, its files and its plots. Reply to steer it while it works, or stop it "
    "with a button."
)
_AGENT_DESCRIPTION = (
    "Mention me with a task. I plan it, run workers that can execute Python in a sandbox, report progress "
    "in the thread, and return answers, files and plots."
)
#: Offered where no one has written or attached anything yet, so that each works as it is.
PROMPTS = {
    "Run some Python": "Compute the first 20 prime numbers in Python.",
    "Draw a plot": "Draw a sine wave and send me the picture.",
    "Work on a file": "I have a file for you. Ask me to attach it, and what I want to know.",
    "What can you do?": "What can you help me with?",
}


def public_origin(url: str) -> str:
    """`https://host` of an address that Slack can reach. Raises ValueError with a sentence otherwise."""
    try:
        parts = urlsplit(url)
        rest = parts.path.strip("/") or parts.query or parts.fragment or parts.username
    except ValueError:
        rest = url
    if rest or parts.scheme != "https" or not parts.hostname:
        raise ValueError(f"it must be a public address like https://handoff.example.com, not {url!r}")
    return f"https://{parts.netloc}"


def manifest(origin: str | None = None) -> dict[str, object]:
    """The manifest for Socket Mode, or for HTTP when `origin` is what `public_origin` returns."""
    address = None if origin is None else origin + EVENTS_PATH
    return {
        "_metadata": {"major_version": 1, "minor_version": 1},
        "display_information": {
            "name": _NAME,
            "description": _DESCRIPTION,
            "long_description": _LONG_DESCRIPTION,
            "background_color": "#1f2937",
        },
        "features": _features(address),
        "oauth_config": {
            # Only an app for several workspaces is led back here; for one workspace it stays unused.
            **({} if origin is None else {"redirect_urls": [origin + REDIRECT_PATH]}),
            "scopes": {"bot": list(SCOPES)},
        },
        "settings": {
            "event_subscriptions": {**_at("request_url", address), "bot_events": list(EVENTS)},
            "interactivity": {"is_enabled": True, **_at("request_url", address)},
            "org_deploy_enabled": False,
            "socket_mode_enabled": address is None,
            "token_rotation_enabled": False,
            "is_mcp_enabled": False,
        },
    }


def create_link(made: dict[str, object]) -> str:
    """The page at Slack that makes an app from the manifest in its address."""
    text = json.dumps(made, separators=(",", ":"), ensure_ascii=False)
    return f"https://api.slack.com/apps?new_app=1&manifest_json={quote(text, safe='')}"


def _features(address: str | None) -> dict[str, object]:
    return {
        "agent_view": {
            "agent_description": _AGENT_DESCRIPTION,
            "suggested_prompts": [{"title": title, "message": text} for title, text in PROMPTS.items()],
        },
        "app_home": {
            "home_tab_enabled": True,
            "messages_tab_enabled": True,
            "messages_tab_read_only_enabled": False,
        },
        "bot_user": {"display_name": _NAME, "always_online": True},
        "shortcuts": [
            {
                "name": "Hand off this message",
                "type": "message",
                "callback_id": SHORTCUT,
                "description": "Start a task from this message",
            }
        ],
        "slash_commands": [
            {
                "command": COMMAND,
                **_at("url", address),
                "description": "Start, list and stop tasks; this channel's settings",
                "usage_hint": "[<task> | status | runs | stop | orders | set | help]",
                "should_escape": True,
            }
        ],
    }


def _at(key: str, address: str | None) -> dict[str, str]:
    return {} if address is None else {key: address}
