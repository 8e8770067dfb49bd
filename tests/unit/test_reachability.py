"""In HTTP mode: a Slack that can't be reached is reported, one that refuses is there."""

from __future__ import annotations

import pytest

from bot.wire import reachability
from bot.wire.proxy import web_client
from playground.slack import SlackStandIn


async def test_a_closed_port_is_reported_and_slack_is_not(unused_tcp_port: int) -> None:
    closed = f"http://127.0.0.1:{unused_tcp_port}/api/"
    (problem,) = await reachability.Reachability(web_client(closed)).problems()
    assert problem.startswith(f"Slack can't be reached at {closed} (")
    async with SlackStandIn() as slack:
        reaching = reachability.Reachability(web_client(slack.api_url))
        assert await reaching.problems() == []
        await reaching.problems()
        assert len(slack.calls) == 1, "a success counts for a while"


@pytest.mark.parametrize(("word", "found"), [("ratelimited", 0), (None, 1)])
async def test_only_an_answer_in_slacks_own_form_counts(word: str | None, found: int) -> None:
    async with SlackStandIn() as slack:
        slack.fail("api.test", word, status=200 if word else 502, times=9)
        assert len(await reachability.Reachability(web_client(slack.api_url)).problems()) == found
