"""The limits of what one task may use of the network, over its whole life."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import pytest

from agents.journal import MemoryJournal
from sandbox.egress.allow_list import AllowList
from sandbox.egress.policy import EgressLimits, EgressPolicy, EgressRequest
from tests.support.scripted_model import Call, Roles, Say, ScriptedModel
from tests.support.team import Team, endpoint_of

EARLIER = EgressRequest(host="a.example", port=443, method="GET", sent=1 << 19, received=1 << 20, seconds=3)


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        ({"requests": 1}, "This task has made its 1 requests on the network"),
        ({"mb": 1}, "have sent and received 1 MiB, the limit"),
        ({"seconds": 2}, "have taken 2 s, the limit"),
    ],
)
async def test_what_a_task_used_before_it_was_resumed_counts(limits: dict[str, Any], words: str) -> None:
    journal = MemoryJournal()
    before = await journal.for_agent("w9")
    await before.append("result", {"facts": {"requests": [asdict(EARLIER)]}})
    fetch = Call("fetch_page", {"url": "http://127.0.0.1:9/"})
    script = Roles(
        [Call("create_worker", {"task_description": "Look"}), Say("Finished.")],
        [fetch, Call("report", {"status": "blocked", "summary": "no network left"})],
    )
    policy = EgressPolicy(AllowList.parse("127.0.0.1:9"), limits=EgressLimits(**limits))
    async with ScriptedModel(script) as model, endpoint_of(model) as endpoint:
        await Team(journal=journal, egress=policy).run(endpoint)
    read = str([asked for asked in model.requests if asked.is_worker][-1].results[-1])
    assert words in read
