"""Every line that a real `handoff serve` logs as JSON: at its most verbose, in trouble, at a stop."""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tests.support.bot_processes import Process
from tests.support.scripted_model import Asked, Call, Reply, Say, openai_error
from tests.support.workload import CHANNEL, USER, Workload, workload

KEY = "a-key-of/no known+shape"
PASSWORD = "hunter2%2Fhunter2"
_HIRE = Call("create_worker", {"task_description": "Say it.", "title": "Say it"})


async def answer(asked: Asked) -> Reply:
    """A model that refuses the first try and repeats the key in its words, as some services do."""
    if asked.is_worker:
        return Call("report", {"status": "done", "summary": "said"})
    if asked.results:
        return Say("It is said.")
    if len(asked.body["messages"]) < 3 and "cut off" in str(asked.body["messages"]):
        return openai_error(400, f"no such thing for the key {KEY}")
    return _HIRE


@pytest.fixture
async def load() -> AsyncIterator[Workload]:
    async with workload(answer=answer, latency=0) as made:
        yield made


@pytest.mark.timeout(180)
async def test_each_line_is_json_with_its_ids_and_without_a_secret(
    load: Workload, postgres_url: str, sandbox_image: str, tmp_path: Path
) -> None:
    url = postgres_url.replace("handoff@", f"handoff:{PASSWORD}@")
    settings = {
        **load.settings(tmp_path, url), "HANDOFF_LOG_LEVEL": "debug", "OPENAI_API_KEY": KEY,
        "SLACK_SIGNING_SECRET": "signed-and-sealed",
    }  # fmt: skip
    async with Process("bot", settings) as bot:
        load.slack.fail("chat.postMessage", "ratelimited", status=429, retry_after=1)
        load.slack.fail("reactions.add", "internal_error", status=500)
        load.slack.lose_reply("chat.startStream")
        for text, words in (("say it", "It is said."), ("be cut off", "refused the request (400)")):
            await posted(load, await load.slack.post(USER, CHANNEL, f"@Handoff {text}"), words)
        await asyncio.sleep(1)
        assert await bot.kill(signal.SIGTERM) == 0
        text = bot.log

    lines: list[dict[str, Any]] = [json.loads(line) for line in text.splitlines()]
    for line in lines:
        assert {"event", "level", "logger"} <= line.keys(), line
        assert datetime.fromisoformat(line["timestamp"]).tzinfo is not None
    turns = [line for line in lines if line["event"] == "model turn"]
    assert turns
    assert all({"task", "turn"} <= line.keys() for line in turns)
    assert {line.get("worker") for line in turns} == {None, "w1"}
    secrets = [load.slack.bot_token, load.slack.app_token, KEY, "hunter2", "signed-and-sealed", "ticket="]
    leaked = [line for line in text.splitlines() if any(secret in line for secret in secrets)]
    assert [line for line in leaked if "ticket=[redacted]" not in line] == []


async def posted(load: Workload, ts: str, words: str) -> None:
    """Returns when these words were posted in a thread."""
    await load.slack.wait_for(lambda state: any(words in m.text for m in state.replies(CHANNEL, ts)), 60)
