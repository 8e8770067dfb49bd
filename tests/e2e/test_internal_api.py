"""A task calls an internal API with a key, at a host that asks first. Needs Docker.

The bot is a process of its own, and is killed while it waits for a person.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from playground.slack import SlackStandIn
from playground.slack.messages import SlackPost
from tests.support.bot_processes import Process
from tests.support.command import start_command
from tests.support.egress import Site, serve_site
from tests.support.scripted_model import Call, Roles, Say, ScriptedModel
from tests.support.stack import ADA, GENERAL

KEY = "key-of/the internal+API"
APPROVE = "handoff_approve"
PATIENCE = 60
END = Call("report", {"status": "done", "summary": "The API says hello."})
HIRE = Call("create_worker", {"task_description": "Ask the API.", "title": "Ask the API"})
ANSWERS = (HIRE, Say("Hello, it says."), HIRE, Say("Hello again, it says."))


def program(site: Site) -> Call:
    code = (
        "import os\nos.environ.pop('no_proxy'), os.environ.pop('NO_PROXY')\n"
        f"import requests\nfound = requests.post('http://127.0.0.1:{site.tls_port}/echo', data='hello')\n"
        "print(found.status_code, found.headers.get('X-Echo'), found.text)"
    )
    return Call("execute_python_code", {"code": code})


async def handoff(environment: Mapping[str, str], *words: str) -> str:
    done = await start_command(*words, environment=environment)
    out, err = await done.communicate()
    assert done.returncode == 0, err
    return out.decode()


async def posted(slack: SlackStandIn, ts: str, words: str, count: int = 1) -> SlackPost:
    """The newest of `count` messages of a thread with these words, once they are there."""

    def found() -> list[SlackPost]:
        return [m for m in slack.state.replies(GENERAL, ts) if words in f"{m.text}{m.blocks}"]

    await slack.wait_for(lambda _: len(found()) >= count, PATIENCE)
    return found()[-1]


@pytest.mark.timeout(180)
async def test_a_key_is_used_and_found_nowhere(
    slack: SlackStandIn, sandbox_image: str, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    async with serve_site(tmp_path) as site:
        run = program(site)
        ask = Call("ask_for_host", {"host": "127.0.0.1"})
        script = Roles(ANSWERS, [run, ask, run, END, run, END])
        host = f"127.0.0.1:{site.tls_port}"
        terms = {"headers": {"Authorization": "Bearer ${API_KEY}"}, "ask_first": True}
        tools = tmp_path / "tools.json"
        tools.write_text(json.dumps({"hosts": {host: terms}}))
        async with ScriptedModel(script) as model:
            environment = {
                **{key: os.environ[key] for key in ("PATH", "HOME", "DOCKER_HOST") if key in os.environ},
                "SLACK_API_URL": slack.api_url, "SLACK_BOT_TOKEN": slack.bot_token,
                "SLACK_APP_TOKEN": slack.app_token, "OPENAI_BASE_URL": model.base_url,
                "HANDOFF_DATA_DIR": str(data), "HANDOFF_PORT": "0", "HANDOFF_SANDBOX_POOL": "0",
                "HANDOFF_LOG_FORMAT": "json", "HANDOFF_TOOLS_FILE": str(tools),
                "HANDOFF_SANDBOX_EGRESS": host, "HANDOFF_AUDIT_FILE": str(tmp_path / "audit"),
                "API_KEY": KEY, "SSL_CERT_FILE": str(tmp_path / "certificates" / "ca.pem"),
            }  # fmt: skip
            async with Process("asks", environment) as bot:
                ts = await slack.post(ADA, GENERAL, "@Handoff ask the API")
                question = await posted(slack, ts, "wants the programs of this thread to reach")
                while not bot.logged("run ended"):  # noqa: ASYNC110 - a log signals nothing
                    await asyncio.sleep(0.05)
                assert site.requests == []
                bot_log = bot.log
            async with Process("answers", environment) as again:
                await slack.click(ADA, GENERAL, question.ts, APPROVE)
                answer = await posted(slack, ts, "Hello, it says.")
                assert "127.0.0.1" in str(answer.blocks)
                await slack.post(ADA, GENERAL, "@Handoff and once more", thread_ts=ts)
                await posted(slack, ts, "Hello again, it says.")
                log = bot_log + again.log
            listed = await handoff(environment, "tasks")
            ids = re.findall(r"^t\w+", listed, re.M)
            assert len(ids) == 2, listed
            told = "".join([await handoff(environment, "tasks", id_) for id_ in ids])
            model.assert_complete()
    assert [one.headers["Authorization"] for one in site.requests] == [f"Bearer {KEY}"] * 2
    assert site.bodies == [b"hello"] * 2
    read = [str(asked.results[-1]) for asked in model.requests if asked.is_worker and asked.results]
    assert "A person has to allow 127.0.0.1 first" in read[0]
    assert "200 ****" in read[2]
    assert "reached 127.0.0.1" in told
    places = [told, log, str(slack.state.replies(GENERAL, ts)), str([asked.body for asked in model.requests])]
    places += [path.read_bytes().decode("latin-1") for path in [tmp_path / "audit"]]
    places += [path.read_bytes().decode("latin-1") for path in data.rglob("*") if path.is_file()]
    assert [place[:80] for place in places if KEY in place or "the internal+API" in place] == []
