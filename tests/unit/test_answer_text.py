"""The text of a reply is passed on while it streams, on both APIs."""

from __future__ import annotations

from itertools import pairwise

import pytest

from agents.conversation import UserTurn
from agents.model.endpoint import Endpoint
from agents.model.wire import ModelRequest
from tests.support.scripted_model import Cut, Say, ScriptedModel

WORDS = "An answer that comes in many small pieces, one after the other."


async def _heard(model: ScriptedModel, api: str) -> list[str]:
    heard: list[str] = []
    async with Endpoint(api_key="none", base_url=model.base_url, api=api, first_wait=0.01) as endpoint:
        request = ModelRequest(model="m", instructions="Be brief.", turns=[UserTurn("Go")])
        reply = await endpoint.complete(request, on_text=heard.append)
    assert reply.text == WORDS
    return heard


@pytest.mark.parametrize("api", ["chat", "responses"])
async def test_each_piece_is_reported_with_all_that_came_before_it(api: str) -> None:
    async with ScriptedModel([Say(WORDS)], piece=5) as model:
        heard = await _heard(model, api)

    assert heard[-1] == WORDS
    assert len(heard) > 5
    assert all(later.startswith(earlier) for earlier, later in pairwise(heard))


async def test_a_try_that_broke_off_is_begun_again_from_nothing() -> None:
    async with ScriptedModel([Cut(after_chunks=4), Say(WORDS)], piece=5) as model:
        heard = await _heard(model, "chat")

    assert heard[0].startswith("This ")
    assert heard[-1] == WORDS
