"""Streams and sessions through the real client: a streamed message's states and what each refuses."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.models.messages.chunk import MarkdownTextChunk, PlanUpdateChunk, TaskUpdateChunk
from slack_sdk.web.async_client import AsyncWebClient

from playground.slack import SlackStandIn
from playground.slack.errors import ActionRefused
from playground.slack.messages import SlackPost, Stream
from tests.support.bolt import new_client

GENERAL, ADA, ADAS = "C0GENERAL", "U0ADA0001", "D0ADA0001"


@pytest.fixture
async def slack() -> AsyncIterator[SlackStandIn]:
    async with SlackStandIn(rate_limits=False) as running:
        yield running


@pytest.fixture
async def thread(slack: SlackStandIn) -> str:
    return await slack.post(ADA, GENERAL, "@Handoff plot it")


async def started(client: AsyncWebClient, thread: str, **arguments: Any) -> str:
    recipient = {"recipient_team_id": "T0PLAYGND", "recipient_user_id": ADA}
    answer = await client.chat_startStream(channel=GENERAL, thread_ts=thread, **recipient | arguments)
    return str(answer["ts"])


async def refused(client: AsyncWebClient, method: str, ts: str, **arguments: Any) -> str:
    with pytest.raises(SlackApiError) as caught:
        await client.api_call(method, json={"channel": GENERAL, "ts": ts} | arguments)
    return str(caught.value.response["error"])


def streamed(slack: SlackStandIn, ts: str, channel: str = GENERAL) -> tuple[SlackPost, Stream]:
    message = slack.state.message(channel, ts)
    assert message is not None
    assert message.stream is not None
    return message, message.stream


async def test_the_sdk_streams_a_plan_and_an_answer(
    client: AsyncWebClient, slack: SlackStandIn, thread: str
) -> None:
    stream = await client.chat_stream(
        channel=GENERAL, thread_ts=thread, recipient_team_id=slack.team_id, recipient_user_id=ADA,
        task_display_mode="plan", buffer_size=4,
    )  # fmt: skip
    await stream.append(
        chunks=[PlanUpdateChunk(title="Plot"), TaskUpdateChunk(id="1", title="Read", status="pending")]
    )
    await stream.append(markdown_text="**sine**")
    assert stream.ts is not None
    message, running = streamed(slack, stream.ts)
    assert (running.state, running.mode, running.title, message.markdown) == (
        "streaming",
        "plan",
        "Plot",
        "**sine**",
    )
    feedback = {"type": "context_actions", "elements": [{"type": "feedback_buttons", "action_id": "rate"} | {
        f"{name}_button": {"text": {"type": "plain_text", "text": name}, "value": name}
        for name in ("positive", "negative")
    }]}  # fmt: skip
    await stream.stop(
        chunks=[
            TaskUpdateChunk(id="1", title="Read", status="complete", output="ok"),
            MarkdownTextChunk(text=" done"),
        ],
        blocks=[feedback],
        metadata={"event_type": "handoff", "event_payload": {"run": "r1"}},
    )
    message, done = streamed(slack, stream.ts)
    assert (done.state, message.markdown, done.rows[0].status) == ("done", "**sine** done", "complete")
    replies = await client.conversations_replies(channel=GENERAL, ts=thread, include_all_metadata=True)
    read = replies["messages"][1]
    assert [block["type"] for block in read["blocks"]] == ["plan", "markdown", "context_actions"]
    assert (read["streaming_state"], read["metadata"]["event_payload"]) == ("completed", {"run": "r1"})


async def test_a_stream_that_was_never_flushed_is_started_and_stopped(
    client: AsyncWebClient, thread: str
) -> None:
    stream = await client.chat_stream(
        channel=GENERAL, thread_ts=thread, recipient_team_id="T0PLAYGND", recipient_user_id=ADA
    )
    assert (await stream.stop(markdown_text="short"))["message"]["text"] == "short"


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"recipient_user_id": None}, "missing_recipient_user_id"),
        ({"recipient_team_id": None}, "missing_recipient_team_id"),
        ({"recipient_user_id": "U0NOBODY0"}, "user_not_found"),
        ({"recipient_team_id": "T0ELSE"}, "team_not_found"),
        ({"task_display_mode": "grid"}, "invalid_arguments"),
        ({"thread_ts": "1.000001"}, "thread_not_found"),
        ({"markdown_text": "x" * 12_001}, "msg_too_long"),
        ({"chunks": [{"type": "plan_update", "title": "p"}], "markdown_text": "x"},
         "cannot_provide_both_markdown_text_and_chunks"),
    ],
)  # fmt: skip
async def test_a_stream_that_slack_would_not_start_is_refused(
    client: AsyncWebClient, thread: str, changes: dict[str, Any], error: str
) -> None:
    with pytest.raises(SlackApiError) as caught:
        await started(client, changes.pop("thread_ts", thread), **changes)
    assert caught.value.response["error"] == error


async def test_a_direct_message_needs_no_recipient(client: AsyncWebClient, slack: SlackStandIn) -> None:
    root = await slack.post(ADA, ADAS, "hello")
    answer = await client.chat_startStream(channel=ADAS, thread_ts=root)
    assert streamed(slack, answer["ts"], ADAS)[1].state == "streaming"


async def test_while_it_runs_it_cannot_be_edited_or_deleted(client: AsyncWebClient, thread: str) -> None:
    ts = await started(client, thread)
    assert await refused(client, "chat.update", ts, text="x") == "streaming_state_conflict"
    assert await refused(client, "chat.delete", ts) == "cant_delete_message"
    assert await refused(client, "chat.appendStream", ts) == "no_text"


async def test_once_stopped_it_takes_no_more(client: AsyncWebClient, thread: str) -> None:
    ts = await started(client, thread, markdown_text="a")
    await client.chat_stopStream(channel=GENERAL, ts=ts, markdown_text="b")
    for method in ("chat.appendStream", "chat.stopStream"):
        assert await refused(client, method, ts, markdown_text="c") == "message_not_in_streaming_state"
    posted = await client.chat_postMessage(channel=GENERAL, text="x")
    assert await refused(client, "chat.appendStream", posted["ts"], markdown_text="c") == (
        "message_not_in_streaming_state"
    )
    assert await refused(client, "chat.appendStream", thread, markdown_text="c") == "message_not_owned_by_app"


async def test_text_and_chunks_do_not_mix_in_one_stream(client: AsyncWebClient, thread: str) -> None:
    ts = await started(client, thread)
    await client.chat_appendStream(channel=GENERAL, ts=ts, markdown_text="a")
    chunks = [{"type": "markdown_text", "text": "b"}]
    assert await refused(client, "chat.appendStream", ts, chunks=chunks) == "streaming_mode_mismatch"


async def test_a_streamed_message_has_a_size(client: AsyncWebClient, thread: str) -> None:
    ts = await started(client, thread, markdown_text="x" * 11_500)
    assert await refused(client, "chat.appendStream", ts, markdown_text="x" * 501) == "msg_too_long"
    rows = [{"type": "task_update", "id": str(n), "title": "t", "status": "pending"} for n in range(51)]
    ts = await started(client, thread, chunks=rows[:50])
    assert await refused(client, "chat.appendStream", ts, chunks=rows[50:]) == "msg_blocks_too_many"
    full = [row | {"details": "d" * 256} for row in rows[:20]]
    ts = await started(client, thread, chunks=full)
    answer = [{"type": "markdown_text", "text": "x" * 500}]
    assert await refused(client, "chat.appendStream", ts, chunks=answer) == "msg_too_long"


async def test_a_stream_dies_of_age_and_only_an_edit_repairs_it() -> None:
    async with SlackStandIn(rate_limits=False, stream_lifetime=0.05) as slack:
        client = new_client(slack)
        ts = await started(client, await slack.post(ADA, GENERAL, "go"), markdown_text="half an ans")
        await slack.wait_for(lambda _: streamed(slack, ts)[1].state == "broken")
        assert (
            await refused(client, "chat.appendStream", ts, markdown_text="wer")
            == "message_not_in_streaming_state"
        )
        assert await refused(client, "chat.stopStream", ts) == "message_not_in_streaming_state"
        await client.chat_update(channel=GENERAL, ts=ts, markdown_text="the whole answer")
        message = slack.state.message(GENERAL, ts)
        assert message is not None
        assert (message.stream, message.markdown) == (None, "the whole answer")


async def test_the_native_stop_ends_the_threads_streams(
    client: AsyncWebClient, slack: SlackStandIn, thread: str
) -> None:
    with pytest.raises(ActionRefused):
        await slack.stop_session(ADA, GENERAL, thread)
    await client.agents_sessions_setStatus(
        channel_id=GENERAL, thread_ts=thread, status="processing", title="Plot", initiator_user_id=ADA
    )
    ts = await started(client, thread, markdown_text="a")
    session = slack.state.sessions[GENERAL, thread]
    assert (session.status, session.title, session.initiator, session.can_stop) == (
        "processing",
        "Plot",
        ADA,
        True,
    )
    await slack.stop_session(ADA, GENERAL, thread)
    assert streamed(slack, ts)[1].state == "stopped"
    assert await refused(client, "chat.appendStream", ts, markdown_text="b") == "stopped_by_user"
    assert await refused(client, "chat.stopStream", ts) == "message_not_in_streaming_state"
    assert slack.state.sessions[GENERAL, thread].status == "processing"


async def test_stopping_can_set_the_session_too(
    client: AsyncWebClient, slack: SlackStandIn, thread: str
) -> None:
    await client.agents_sessions_setStatus(channel_id=GENERAL, thread_ts=thread, status="processing")
    await client.agents_sessions_rename(channel_id=GENERAL, thread_ts=thread, title="A plot")
    ts = await started(client, thread)
    await client.chat_stopStream(channel=GENERAL, ts=ts, markdown_text="done", session_status="active")
    session = slack.state.sessions[GENERAL, thread]
    assert (session.status, session.title, session.can_stop) == ("active", "A plot", False)


async def test_a_session_refuses_wrong_states_titles_people_and_threads(
    client: AsyncWebClient, thread: str
) -> None:
    place = {"channel_id": GENERAL, "thread_ts": thread}
    for changes, error in (
        ({"status": "busy"}, "invalid_arguments"),
        ({"status": "active", "title": "x" * 201}, "invalid_arguments"),
        ({"status": "active", "initiator_user_id": "U0NOBODY0"}, "user_not_found"),
        ({"status": "active", "thread_ts": "1.000001"}, "thread_not_found"),
    ):
        assert await refused(client, "agents.sessions.setStatus", "", **place | changes) == error
    assert await refused(client, "agents.sessions.rename", "", **place, title="x") == "session_not_found"


async def test_without_the_subscription_there_is_no_stop() -> None:
    async with SlackStandIn(subscriptions={"app_mention"}) as slack:
        client = new_client(slack)
        thread = await slack.post(ADA, GENERAL, "go")
        answer = await client.agents_sessions_setStatus(
            channel_id=GENERAL, thread_ts=thread, status="processing"
        )
        assert answer["warning"] == "missing_agent_session_stopped_event_subscription"
        with pytest.raises(ActionRefused):
            await slack.stop_session(ADA, GENERAL, thread)


async def test_the_assistants_line_goes_with_the_answer(
    client: AsyncWebClient, slack: SlackStandIn, thread: str
) -> None:
    await client.assistant_threads_setStatus(channel_id=GENERAL, thread_ts=thread, status="is thinking…")
    await client.assistant_threads_setTitle(channel_id=GENERAL, thread_ts=thread, title="A plot")
    assert slack.state.sessions[GENERAL, thread].text == "is thinking…"
    await client.chat_postMessage(channel=GENERAL, thread_ts=thread, text="answer")
    session = slack.state.sessions[GENERAL, thread]
    assert (session.text, session.title) == ("", "A plot")


async def test_suggested_prompts_are_at_most_four(client: AsyncWebClient, slack: SlackStandIn) -> None:
    prompts = [{"title": f"t{n}", "message": "m"} for n in range(5)]
    await client.assistant_threads_setSuggestedPrompts(channel_id=ADAS, prompts=prompts[:4])
    assert list(slack.state.prompts) == prompts[:4]
    with pytest.raises(SlackApiError, match="invalid_arguments"):
        await client.assistant_threads_setSuggestedPrompts(channel_id=ADAS, prompts=prompts)
