"""The stand-in's memory: timestamps, threads, tombstones, and the waking of those who wait."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from playground.slack.changes import Change, MessageChanged, MessageDeleted
from playground.slack.files import File
from playground.slack.messages import SlackPost, Stream, TaskCard
from playground.slack.saved_state import saving
from playground.slack.sessions import Session
from playground.slack.state import WorkspaceState
from playground.slack.world import Channel, playground_world

GENERAL, ADA, MEI = "C0GENERAL", "U0ADA0001", "U0MEI0002"


@pytest.fixture
def state() -> WorkspaceState:
    return WorkspaceState(playground_world())


def said(state: WorkspaceState, user: str = ADA, thread_ts: str | None = None) -> SlackPost:
    message = SlackPost(GENERAL, state.new_ts(), user, "hello", thread_ts=thread_ts)
    state.put_message(message)
    return message


def test_timestamps_never_repeat_and_sort_as_texts(state: WorkspaceState) -> None:
    made = [state.new_ts() for _ in range(2_000)]
    assert made == sorted(set(made))


def test_a_reply_changes_its_root_too(state: WorkspaceState) -> None:
    changes: list[Change] = []
    root = said(state)
    with state.listening(changes.append):
        reply = said(state, MEI, root.ts)
    assert changes == [MessageChanged(reply), MessageChanged(root)]
    assert state.replies(GENERAL, root.ts) == [reply]
    said(state)
    assert len(changes) == 2


def test_a_root_with_replies_leaves_a_tombstone(state: WorkspaceState) -> None:
    root = said(state)
    reply = said(state, MEI, root.ts)
    state.remove_message(root)
    left = state.message(GENERAL, root.ts)
    assert left is not None
    assert left.subtype == "tombstone"
    changes: list[Change] = []
    with state.listening(changes.append):
        state.remove_message(reply)
    assert changes == [MessageDeleted(GENERAL, reply.ts), MessageChanged(left)]
    assert state.replies(GENERAL, root.ts) == []


def test_reactions_keep_their_order_and_go_with_the_last(state: WorkspaceState) -> None:
    message = said(state).with_reaction("eyes", ADA).with_reaction("x", ADA).with_reaction("eyes", MEI)
    assert [(reaction.name, reaction.users) for reaction in message.reactions] == [
        ("eyes", (ADA, MEI)),
        ("x", (ADA,)),
    ]
    assert message.reacted("eyes", MEI)
    assert [reaction.name for reaction in message.without_reaction("x", ADA).reactions] == ["eyes"]


async def test_waiting_ends_with_the_change_that_makes_it_true(state: WorkspaceState) -> None:
    root = said(state)

    async def later() -> None:
        await asyncio.sleep(0)
        state.put_message(replace(root, text="other"))
        state.put_message(replace(root, text="done"))

    async with asyncio.TaskGroup() as tasks:
        waiting = tasks.create_task(
            state.wait_for(lambda seen: [m for m in seen.messages if m.text == "done"], 5)
        )
        tasks.create_task(later())
    assert [message.ts for message in waiting.result()] == [root.ts]


async def test_waiting_in_vain_is_an_error(state: WorkspaceState) -> None:
    with pytest.raises(TimeoutError):
        await state.wait_for(lambda seen: seen.messages, 0.01)


def test_a_saved_state_is_there_for_the_next_process(state: WorkspaceState, tmp_path: Path) -> None:
    stream = Stream(
        rows=(TaskCard("w1", "Count", "complete", sources=({"url": "https://a.b", "text": "a"},)),)
    )
    with saving(state, tmp_path / "slack.db"):
        root, gone = said(state), said(state)
        reply = replace(said(state, MEI, root.ts), text="a lone \ud83d half", stream=stream, files=("F1",))
        state.put_message(reply.with_reaction("eyes", ADA))
        state.put_channel(Channel("C0NEW", "new", members=frozenset({ADA, MEI})))
        state.put_file(File("F1", "a.bin", "a", ADA, "application/octet-stream", 1, b"\x00\xff"))
        state.put_file(File("F2", "b.bin", "b", ADA, "application/octet-stream", 1, b"b"))
        state.put_session(Session(GENERAL, root.ts, "processing", can_stop=True))
        state.put_home(ADA, {"type": "home", "blocks": []})
        state.remove_message(gone)
        state.remove_file("F2")
    later = WorkspaceState(playground_world())
    with saving(later, tmp_path / "slack.db"):
        assert later.messages == state.messages
        assert later.replies(GENERAL, root.ts) == state.replies(GENERAL, root.ts)
        assert later.channels == state.channels
        assert (later.files, later.sessions, later.homes) == (state.files, state.sessions, state.homes)
        assert later.new_ts() > reply.ts
