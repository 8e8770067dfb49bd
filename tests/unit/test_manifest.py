"""The manifest against Slack's limits, and against what Handoff asks for."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from bot.wire.manifest import (
    COMMAND,
    EVENTS,
    PROMPTS,
    REDIRECT_PATH,
    SCOPES,
    create_link,
    manifest,
    public_origin,
)
from scripts.steps import ROOT

#: Scope -> the events, Web API methods or features of which at least one needs it.
USES = {
    "app_mentions:read": {"app_mention"},
    "assistant:write": {"assistant.threads.setStatus", "agents.sessions.setStatus"},
    "channels:history": {"message.channels"},
    "channels:read": {"channel_unarchive", "member_joined_channel", "conversations.info"},
    "chat:write": {"chat.postMessage"},
    "commands": {COMMAND},
    "files:read": {"files.info"},
    "files:write": {"files.getUploadURLExternal"},
    "groups:history": {"message.groups"},
    "groups:read": {"group_unarchive", "member_joined_channel"},
    "im:history": {"message.im"},
    "im:read": {"conversations.info", "users.conversations"},
    "mpim:history": {"message.mpim"},
    "mpim:read": {"conversations.info", "users.conversations"},
    "reactions:read": {"reaction_added"},
    "reactions:write": {"reactions.add"},
    "search:read.public": {"assistant.search.context"},
    "users:read": {"users.info"},
}
SOCKET: Any = manifest()
HTTP: Any = manifest("https://handoff.example.com")


def test_suggested_prompts_work_where_nothing_is_written_or_attached() -> None:
    assert not re.search(r"attached|th(is|e) (thread|channel|file)|above", " ".join(PROMPTS.values()))


@pytest.mark.parametrize("made", [SOCKET, HTTP])
def test_texts_are_within_slacks_limits(made: Any) -> None:
    shown = made["display_information"]
    assert len(shown["name"]) <= 35
    assert len(shown["description"]) <= 140
    assert 175 <= len(shown["long_description"]) <= 4000
    agent = made["features"]["agent_view"]
    assert len(agent["agent_description"]) <= 300
    assert 1 <= len(agent["suggested_prompts"]) <= 4
    (shortcut,) = made["features"]["shortcuts"]
    assert len(shortcut["name"]) <= 24
    assert len(shortcut["description"]) <= 150
    (command,) = made["features"]["slash_commands"]
    assert command["command"].startswith("/")
    assert len(command["command"]) <= 32


def test_every_event_has_a_scope_to_receive_it() -> None:
    deaf = [event for event, needed in EVENTS.items() if needed and not set(needed) & set(SCOPES)]
    assert deaf == []


def test_a_thread_can_go_on_without_mentions_everywhere() -> None:
    subscribed = SOCKET["settings"]["event_subscriptions"]["bot_events"]
    assert {"message.channels", "message.groups", "message.im", "message.mpim"} <= set(subscribed)


def test_the_stop_button_of_slack_is_subscribed_to() -> None:
    assert "agent_session_stopped" in EVENTS


def test_every_scope_has_its_reason() -> None:
    assert all(reason for reason in SCOPES.values())
    assert SOCKET["oauth_config"]["scopes"]["bot"] == list(SCOPES)


def test_every_scope_is_used() -> None:
    assert USES.keys() == SCOPES.keys()
    used = {*EVENTS, COMMAND, *methods_called()}
    assert {scope: sorted(uses - used) for scope, uses in USES.items() if not uses & used} == {}


def test_every_event_has_a_listener() -> None:
    sources = [path for path in (ROOT / "bot").rglob("*.py") if path.name != "manifest.py"]
    code = "".join(path.read_text() for path in sources)
    assert [event for event in EVENTS if f'"{event.partition(".")[0]}"' not in code] == []


def methods_called() -> Iterator[str]:
    """The Web API methods that the bot calls, spelled as strings or as the SDK's functions (`users_info`)."""
    for path in (ROOT / "bot").rglob("*.py"):
        yield from methods_in(path)


def methods_in(path: Path) -> Iterator[str]:
    code = path.read_text()
    yield from re.findall(r'"((?:[a-z]+\.)+[A-Za-z]+)"', code) if path.name != "pace.py" else ()
    for name in re.findall(r"client\.([a-z]+_[A-Za-z]+)\(", code):
        yield name.replace("_", ".")


def test_socket_mode_names_no_address() -> None:
    assert SOCKET["settings"]["socket_mode_enabled"] is True
    assert "request_url" not in SOCKET["settings"]["event_subscriptions"]
    assert "url" not in SOCKET["features"]["slash_commands"][0]


def test_http_mode_names_one_address_everywhere() -> None:
    address = "https://handoff.example.com/slack/events"
    assert HTTP["settings"]["socket_mode_enabled"] is False
    assert HTTP["settings"]["event_subscriptions"]["request_url"] == address
    assert HTTP["settings"]["interactivity"]["request_url"] == address
    assert HTTP["features"]["slash_commands"][0]["url"] == address


@pytest.mark.parametrize(
    "url", ["https://bot.example.com", "https://bot.example.com/", "https://b.example:8443"]
)
def test_a_public_address_is_taken(url: str) -> None:
    assert public_origin(url) == url.rstrip("/")


@pytest.mark.parametrize(
    "url",
    ["http://bot.example.com", "bot.example.com", "https://", "https://x/y", "https://a:b@x", "https://["],
)
def test_another_address_is_refused_with_an_example(url: str) -> None:
    with pytest.raises(ValueError, match=r"like https://handoff\.example\.com"):
        public_origin(url)


def test_people_who_install_are_led_back_to_one_address() -> None:
    assert HTTP["oauth_config"]["redirect_urls"] == [f"https://handoff.example.com{REDIRECT_PATH}"]
    assert "redirect_urls" not in SOCKET["oauth_config"]


def test_what_the_bot_listens_to_is_in_the_manifest() -> None:
    features = SOCKET["features"]
    assert [command["command"] for command in features["slash_commands"]] == ["/handoff"]
    assert [shortcut["callback_id"] for shortcut in features["shortcuts"]] == ["handoff_message"]
    assert features["app_home"]["home_tab_enabled"]
    assert features["app_home"]["messages_tab_enabled"]
    assert not features["app_home"]["messages_tab_read_only_enabled"]
    assert SOCKET["settings"]["interactivity"]["is_enabled"]
    assert {"app_home_opened", "app_uninstalled", "tokens_revoked", "reaction_added"} <= set(EVENTS)


def test_the_link_holds_the_whole_manifest() -> None:
    link = urlsplit(create_link(HTTP))
    assert (link.netloc, link.path) == ("api.slack.com", "/apps")
    query = parse_qs(link.query)
    assert query["new_app"] == ["1"]
    assert json.loads(query["manifest_json"][0]) == HTTP
