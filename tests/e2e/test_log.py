"""The lines that a real `handoff serve` logs as JSON, at its most verbose and in trouble; its audit log."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tests.support.bot_processes import Process
from tests.support.scripted_model import Asked, Call, Reply, Say, openai_error
from tests.support.tool_server import JOURNAL
from tests.support.workload import CHANNEL, USER, Workload, workload

KEY = "a-key-of/no known+shape"
MEI = "U0MEI0002"
PASSWORD = "hunter2%2Fhunter2"
_HIRE = Call("create_worker", {"task_description": "Say it.", "title": "Say it"})
_WRITE = Call("create_worker", {"task_description": "Write into the journal.", "title": "Write"})


async def answer(asked: Asked) -> Reply:
    """A model that refuses the first try and repeats the key in its words, as some services do."""
    if asked.is_worker:
        if "journal" in asked.brief and not asked.results:
            return Call("things_write", {"line": "hello"})
        return Call("report", {"status": "done", "summary": "said"})
    if asked.results:
        return Say("It is said.")
    if len(asked.body["messages"]) < 3 and "cut off" in str(asked.body["messages"]):
        return openai_error(400, f"no such thing for the key {KEY}")
    if "ask me" in str(asked.body["messages"]):
        return Call("ask_user", {"question": "Which colour?"})
    return _WRITE if "write it there" in str(asked.body["messages"]) else _HIRE


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
        "SLACK_SIGNING_SECRET": "signed-and-sealed", "HANDOFF_TOOLS_FILE": _tools_file(tmp_path),
        "HANDOFF_AUDIT_FILE": str(tmp_path / "audit.jsonl"),
    }  # fmt: skip
    async with Process("bot", settings) as bot:
        load.slack.fail("chat.postMessage", "ratelimited", status=429, retry_after=1)
        load.slack.fail("reactions.add", "internal_error", status=500)
        load.slack.lose_reply("chat.startStream")
        for text, words in (("say it", "It is said."), ("be cut off", "refused the request (400)")):
            await posted(load, await load.slack.post(USER, CHANNEL, f"@Handoff {text}"), words)
        done = await _do_what_is_audited(load)
        await asyncio.sleep(1)
        assert await bot.kill(signal.SIGTERM) == 0
        text = bot.log

    audited = [json.loads(line) for line in (tmp_path / "audit.jsonl").read_text().splitlines()]
    assert [{name: line.get(name) for name in deed} for line, deed in zip(audited, done, strict=True)] == done
    assert all(datetime.fromisoformat(line["timestamp"]).tzinfo is not None for line in audited)

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


def _tools_file(folder: Path) -> str:
    """An MCP server with a tool that writes, which a person has to approve."""
    server = {
        "command": sys.executable, "args": ["-m", "tests.support.tool_server"],
        "env": {JOURNAL: str(folder / "journal"), "PYTHONPATH": str(Path.cwd())},
    }  # fmt: skip
    allowed = {"allow": {"things": ["write"]}, "ask_first": ["things_write"]}
    file = folder / "tools.json"
    file.write_text(json.dumps({"mcpServers": {"things": server}, **allowed}))
    return str(file)


async def _do_what_is_audited(load: Workload) -> list[dict[str, Any]]:
    """Ask, approve, change a setting and stop. Returns what the audit log says of the whole test."""
    slack = load.slack
    root = await slack.post(MEI, CHANNEL, "We keep a journal.")
    request = await slack.post(USER, CHANNEL, "@Handoff write it there", thread_ts=root)
    question = await slack.wait_for(
        lambda s: next((m for m in s.replies(CHANNEL, root) if "handoff_approve" in str(m.blocks)), None), 60
    )
    assert question is not None
    await slack.click(USER, CHANNEL, question.ts, "handoff_approve")
    await posted(load, root, "It is said.")
    await slack.slash(USER, CHANNEL, "handoff", "set progress quiet")
    waiting = await slack.post(USER, CHANNEL, "@Handoff ask me")
    await posted(load, waiting, "Which colour?")
    await slack.post(USER, CHANNEL, "stop", thread_ts=waiting)
    await posted(load, waiting, "Stopped by")
    here = {"channel": CHANNEL, "user": USER}
    return [
        {"event": "asked", "kind": "new", **here},
        {"event": "asked", "kind": "new", **here},
        {"event": "asked", "kind": "new", "ts": request, **here},
        {"event": "read", "thread": root, **here},
        {"event": "decided", "approved": True, "user": USER},
        {"event": "setting changed", "name": "progress", "value": "quiet", **here},
        {"event": "asked", "kind": "new", "ts": waiting, **here},
        {"event": "stopped", **here},
    ]


async def posted(load: Workload, ts: str, words: str) -> None:
    """Returns when these words were posted in a thread."""
    await load.slack.wait_for(lambda state: any(words in m.text for m in state.replies(CHANNEL, ts)), 60)
