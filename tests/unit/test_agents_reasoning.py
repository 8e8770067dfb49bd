"""Reasoning that servers leave in the text of a reply: it is cut, and examples in code stay. Needs no
services."""

from __future__ import annotations

import pytest

from agents.events import AnswerText
from agents.model.wire.reasoning import strip_reasoning
from agents.model.wire.text_calls import may_begin
from tests.support.scripted_model import Reply, Say, ScriptedModel
from tests.support.team import Agent, Team, endpoint_of

ANSWER = "It is 42."
FORMS = {
    "Qwen": "<think>\nHm, 6 times 7.\n</think>\n\nIt is 42.",
    "an opening tag in the request": "Hm, 6 times 7.\n</think>\n\nIt is 42.",
    "no line break": "Hm.</think>It is 42.",
    "thinking": "<thinking>6 times 7</thinking>\nIt is 42.",
    "Magistral": "[THINK]6 times 7[/THINK]It is 42.",
    "Magistral without its opening tag": "6 times 7[/THINK]It is 42.",
    "Seed": "<seed:think>6 times 7</seed:think>It is 42.",
    "twice": "<think>a</think>It is\n<think>b</think>42.",
    "code inside the reasoning": "<think>```python\nx = 1</think>It is 42.",
    "harmony": "<|channel|>analysis<|message|>6 times 7<|end|><|start|>assistant<|channel|>final<|message|>"
    "It is 42.<|return|>",
    "harmony with commentary": "<|channel|>analysis<|message|>6<|end|><|start|>assistant<|channel|>commentary"
    "<|message|>I compute.<|end|><|start|>assistant<|channel|>final<|message|>It is 42.",
    "harmony without its tokens": "analysisThe user wants 6 times 7.assistantfinalIt is 42.",
}


@pytest.mark.parametrize("api", ["chat", "responses"])
@pytest.mark.parametrize("form", FORMS)
async def test_reasoning_is_cut(form: str, api: str) -> None:
    team = Team()
    async with ScriptedModel([Say(FORMS[form])]) as model, endpoint_of(model, api=api) as endpoint:
        assert (await team.run(endpoint)).text.split() == ANSWER.split()
        model.assert_complete()


@pytest.mark.parametrize(
    "form", ["<think>6 times 7", "analysisThe user wants", "<|channel|>analysis<|message|>6", "[THINK]6"]
)
async def test_reasoning_alone_is_no_answer(form: str) -> None:
    team = Team()
    script: list[Reply] = [Say(form), Say(ANSWER)]
    async with ScriptedModel(script) as model, endpoint_of(model, api="chat") as endpoint:
        assert (await team.run(endpoint)).text == ANSWER
        model.assert_complete()
    drafts = [event.text for event in team.events if isinstance(event, AnswerText)]
    assert all(ANSWER.startswith(draft) for draft in drafts)


@pytest.mark.parametrize(
    "text",
    [
        ANSWER, "I think it is 42.", "Use `</think>` to end it.", "```\n<think>\nx\n</think>\n```\nYes.",
        "The analysis is done.", "analysis of sales", "Put [THINKING] first.", "a < b and b > c",
    ],
)  # fmt: skip
def test_an_answer_is_left_as_it_is(text: str) -> None:
    assert strip_reasoning(text) == text


@pytest.mark.parametrize("text", ["<", "<thin", "[THI", "anal", "<|channel|>fin", "assistantcomm"])
def test_what_may_become_reasoning_is_not_shown(text: str) -> None:
    assert may_begin(text)


async def look(word: str) -> str:
    """Look."""
    return f"saw {word}"


HARMONY_CALLS = {
    "with its tokens": "<|channel|>analysis<|message|>I look.<|end|><|start|>assistant<|channel|>commentary "
    'to=functions.look <|constrain|>json<|message|>{"word": "a"}<|call|>',
    "without them": 'analysisI look.assistantcommentary to=functions.look json{"word": "a"}',
}


@pytest.mark.parametrize("form", HARMONY_CALLS)
async def test_a_call_behind_reasoning_is_run(form: str) -> None:
    script: list[Reply] = [Say(HARMONY_CALLS[form]), Say(ANSWER)]
    async with ScriptedModel(script) as model, endpoint_of(model, api="chat") as endpoint:
        assert (await Agent([look]).run(endpoint)).text == ANSWER
        model.assert_complete()
    assert model.requests[-1].results == ("saw a",)
