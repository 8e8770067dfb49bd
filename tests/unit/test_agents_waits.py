"""How long a service asks to wait, in each form in use, and the waits where it does not say. Needs no
services."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from agents.model.waits import asked_wait, wait_in
from tests.support.scripted_model import Fault, Reply, Say, ScriptedModel, openai_error
from tests.support.team import Agent, endpoint_of

OPENAI = (
    "Rate limit reached for gpt-5.6 in organization org-x on tokens per min (TPM): Limit 30000, Used 27500, "
    "Requested 12500. Please try again in 20s. Visit https://platform.openai.com/account/rate-limits."
)
WORDS = {
    OPENAI: 20,
    "Please try again in 320ms.": 0.32,
    "Please try again in 6m0s.": 360,
    "Please try again in 7m12.5s.": 432.5,
    "Please try again in 1h2m.": 3720,
    "Please retry after 20 seconds.": 20,
    "Requests have exceeded call rate limit. Please retry after 1 second.": 1,
    "Please retry in 34.074824224s.": 34.074824224,
    "Rate limited. Wait 2 minutes, 5 seconds and send less.": 125,
    "Please wait for 3 s": 3,
}


@pytest.mark.parametrize("words", WORDS)
def test_the_words_are_read(words: str) -> None:
    assert wait_in(words) == pytest.approx(WORDS[words])


@pytest.mark.parametrize("words", ["", "Slow down.", "Try again in a few minutes.", "Limit 30000, 20s"])
def test_words_without_a_time_name_none(words: str) -> None:
    assert wait_in(words) is None


HEADERS: dict[str, tuple[Mapping[str, str], float]] = {
    "seconds": ({"retry-after": "7"}, 7),
    "seconds with a point": ({"retry-after": "1.5"}, 1.5),
    "seconds with their unit": ({"retry-after": "20s"}, 20),
    "milliseconds": ({"retry-after-ms": "250", "retry-after": "1"}, 0.25),
    "OpenAI's and Groq's": ({
        "x-ratelimit-remaining-requests": "59", "x-ratelimit-reset-requests": "1s",
        "x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "6m0s"}, 360),
    "requests are used up": ({
        "x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "2m59.56s",
        "x-ratelimit-remaining-tokens": "14900", "x-ratelimit-reset-tokens": "7.66s"}, 179.56),
    "no remainder": ({"x-ratelimit-reset-tokens": "85ms"}, 0.085),
    "Cerebras'": ({"x-ratelimit-reset-tokens-minute": "11.382"}, 11.382),
    "the draft of the IETF": ({"ratelimit-reset": "50"}, 50),
}  # fmt: skip


@pytest.mark.parametrize("form", HEADERS)
def test_the_headers_are_read(form: str) -> None:
    headers, seconds = HEADERS[form]
    assert asked_wait(429, "Slow down.", headers) == pytest.approx(seconds)


def test_points_in_time_are_read() -> None:
    soon = datetime.now(UTC) + timedelta(seconds=30)
    for headers in (
        {"retry-after": format_datetime(soon, usegmt=True)},
        {"x-ratelimit-reset": str(int(soon.timestamp() * 1000))},
        {"x-ratelimit-reset": str(int(soon.timestamp()))},
        {"anthropic-ratelimit-tokens-reset": soon.isoformat()},
    ):
        wait = asked_wait(429, "", headers)
        assert wait is not None
        assert abs(wait - (soon.timestamp() - time.time())) < 2


def test_what_says_more_counts_first() -> None:
    headers = {"retry-after": "3", "x-ratelimit-reset-tokens": "9s"}
    assert asked_wait(429, OPENAI, headers) == 3
    assert asked_wait(429, OPENAI, {"x-ratelimit-reset-tokens": "9s"}) == 20
    assert asked_wait(500, "", {"x-ratelimit-reset-tokens": "9s"}) is None
    assert asked_wait(429, "", {"retry-after": "nan", "x-ratelimit-reset-tokens": "soon"}) is None


@pytest.mark.parametrize("api", ["chat", "responses"])
async def test_the_words_of_a_refusal_are_obeyed(api: str) -> None:
    waits: list[float] = []
    said = "Rate limit reached. Please try again in 70ms."
    script: list[Reply] = [openai_error(429, said, "rate_limit_exceeded"), Say("Here.")]
    async with ScriptedModel(script) as model, endpoint_of(model, api=api) as endpoint:
        agent = Agent()
        agent.on_retry = lambda why, wait: waits.append(wait)
        assert (await agent.run(endpoint)).text == "Here."
    assert waits == [pytest.approx(0.07, abs=0.01)]


async def test_without_a_word_each_wait_is_twice_the_one_before() -> None:
    waits: list[float] = []
    script: list[Reply] = [Fault(429, "slow down", times=7), Say("Here.")]
    async with ScriptedModel(script) as model, endpoint_of(model) as endpoint:
        agent = Agent()
        agent.on_retry = lambda why, wait: waits.append(wait)
        await agent.run(endpoint)
        limiter = endpoint._limiters["m"]
    assert limiter.storms == 0, "a success ends the storm"
    for number, wait in enumerate(waits):
        assert 0.5 <= wait / (0.001 * 2**number) <= 1.5
