"""How services depart from OpenAI's API, each by what its documents or its users' reports show.

What they refuse to be sent is learnt, what they say in their own words is understood. Needs no services.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx2
import openai
import pytest

from agents.conversation import UserTurn
from agents.errors import (
    ContextTooLong,
    CredentialsRefused,
    ModelError,
    QuotaExhausted,
    RequestRefused,
    ToolsUnsupported,
    UnknownModel,
)
from agents.journal import Incoming
from agents.model import failures
from agents.model.refusals import Refusal, resolve
from agents.model.wire import ModelRequest
from agents.model.wire.responses import ResponsesWire
from tests.support.scripted_model import (
    Asked,
    Call,
    Fault,
    Reply,
    Say,
    ScriptedModel,
    StreamError,
    Turn,
    openai_error,
)
from tests.support.team import Agent, ListInbox, endpoint_of

ANSWER = "Forty-two."


async def look(word: str) -> str:
    """Look."""
    return f"saw {word}"


@dataclass(frozen=True)
class Picky:
    """A service that refuses a field: the API and options it is asked with, and its refusal."""

    name: str
    field: str
    refusal: Fault
    api: str = "chat"
    options: Mapping[str, Any] | None = None
    instead: str = ""

    def __str__(self) -> str:
        return self.name


def in_error(status: int, **error: Any) -> Fault:
    return Fault(status, {"error": error})


FORBIDDEN = {
    "type": "extra_forbidden",
    "loc": ["body", "stream_options"],
    "msg": "Extra inputs are not permitted",
}
PICKY = [
    Picky("OpenAI's models without reasoning", "include", in_error(
        400, message="Encrypted content is not supported with this model.", type="invalid_request_error",
        param="include", code=None), api="responses"),
    Picky("a proxy in front of them", "include", in_error(
        400, message='OpenAIException - {"error": {"message": "Encrypted content is not supported with this '
        'model."}}', code="400"), api="responses"),
    Picky("Mistral", "stream_options", Fault(422, {"detail": [FORBIDDEN]})),
    Picky("an older Azure", "stream_options", in_error(
        400, message="Unrecognized request argument supplied: stream_options", code=None)),
    Picky("OpenAI behind a gateway", "max_tokens", in_error(
        400, message="Unsupported parameter: 'max_tokens' is not supported with this model. Use "
        "'max_completion_tokens' instead.", param="max_tokens", code="unsupported_parameter"),
        options={"most_output": 99}, instead="max_completion_tokens"),
]  # fmt: skip


@pytest.mark.parametrize("picky", PICKY, ids=str)
async def test_a_field_that_a_service_refuses_is_left_out_from_then_on(picky: Picky) -> None:
    async def answering(asked: Asked) -> Reply:
        if picky.field in asked.body:
            return picky.refusal
        return Say(ANSWER) if asked.results else Call("look", {"word": "a"})

    async with (
        ScriptedModel(answering) as model,
        endpoint_of(model, api=picky.api, **(picky.options or {})) as endpoint,
    ):
        assert (await Agent([look]).run(endpoint)).text == ANSWER
        assert (await Agent([look]).run(endpoint)).text == ANSWER
    assert [picky.field in asked.body for asked in model.requests] == [True, False, False, False, False]
    assert not picky.instead or model.requests[-1][picky.instead] == 99


INPUT = {
    "type": "extra_forbidden",
    "loc": ["body", "messages", 2, "assistant", "reasoning"],
    "msg": "Extra inputs are not permitted",
    "input": "hm",
}
BACK = {
    "Groq": in_error(400, type="invalid_request_error", message="'messages.2' : for 'role:assistant' the "
        "following must be satisfied[('messages.2' : property 'reasoning' is unsupported)]"),
    "Mistral": Fault(422, {"detail": [INPUT]}),
}  # fmt: skip


@pytest.mark.parametrize("service", BACK)
async def test_a_field_of_a_reply_that_is_refused_back_is_left_out(service: str) -> None:
    async def answering(asked: Asked) -> Reply:
        if any("reasoning" in message for message in asked.messages):
            return BACK[service]
        call = Call("look", {"word": "ab"[min(len(asked.results), 1)]})
        return Say(ANSWER) if len(asked.results) == 2 else Turn(calls=(call,), extra={"reasoning": "hm"})

    async with ScriptedModel(answering) as model, endpoint_of(model, api="chat") as endpoint:
        assert (await Agent([look]).run(endpoint)).text == ANSWER
    assert ["reasoning" in str(asked.messages) for asked in model.requests] == [False, True, False, False]


async def test_what_one_model_refuses_is_sent_to_another() -> None:
    async def answering(asked: Asked) -> Reply:
        return PICKY[0].refusal if asked["model"] == "plain" and "include" in asked.body else Say(ANSWER)

    async with ScriptedModel(answering) as model, endpoint_of(model, api="responses") as endpoint:
        await Agent(model="plain").run(endpoint)
        await Agent(model="reasoner").run(endpoint)
    assert ["include" in asked.body for asked in model.requests] == [True, False, True]


TURNS: dict[str, Reply] = {
    "Mistral": Fault(400, {"object": "error", "message": "Unexpected role 'user' after role 'tool'", "type":
                           "invalid_request_message_order", "code": "3230"}),
    "a template in llama.cpp": in_error(500, type="server_error", message="Error: Jinja Exception: After the "
        "optional system message, conversation roles must alternate user and assistant roles except for tool "
        "calls and results."),
    "the same inside a stream": StreamError("Jinja Exception: roles must alternate", "server_error"),
}  # fmt: skip


@pytest.mark.parametrize("service", TURNS)
async def test_a_service_that_wants_roles_in_turns_gets_them(service: str) -> None:
    def in_row(asked: Asked) -> bool:
        roles = [m["role"] for m in asked.messages]
        return any(b == "user" and a in ("user", "tool") for a, b in itertools.pairwise(roles))

    async def answering(asked: Asked) -> Reply:
        if in_row(asked):
            return TURNS[service]
        reply: Reply = Call("look", {"word": "ab"[min(len(asked.results), 1)]})
        return reply if len(asked.results) < 2 else Say(ANSWER)

    inbox = ListInbox()

    async def look(word: str) -> str:
        """Look."""
        inbox.messages += [Incoming(f"{word}{n}", f"Ann: also {word}{n}") for n in (1, 2)]
        return f"saw {word}"

    async with ScriptedModel(answering) as model, endpoint_of(model, api="chat") as endpoint:
        assert (await Agent([look], inbox=inbox).run(endpoint)).text == ANSWER
    assert [in_row(asked) for asked in model.requests] == [False, True, False, False]
    words = [m["content"] for m in model.requests[-1].messages if m["role"] == "user"]
    assert words == ["Ann: please", "Ann: also a1\n\nAnn: also a2", "Ann: also b1\n\nAnn: also b2"]


def said(text: str, status: int = 400, **more: Any) -> Fault:
    return in_error(status, message=text, **more)


def in_a_list(status: int, message: str, **more: Any) -> Fault:
    """Gemini's compatible endpoint answers with a list."""
    return Fault(status, json.dumps([{"error": {"code": status, "message": message, **more}}]))


UPSTREAM = json.dumps({"error": {"type": "invalid_request_error", "message":
                       "prompt is too long: 205000 tokens > 200000 maximum"}})  # fmt: skip
REFUSALS: list[tuple[str, Reply, type[ModelError], str]] = [
    ("Gemini's wrong key", in_a_list(400, "API key not valid. Please pass a valid API key."),
     CredentialsRefused, "API key"),
    ("Gemini's context", in_a_list(
        400, "The input token count (1048999) exceeds the maximum number of tokens allowed (1048576)."),
     ContextTooLong, "longer"),
    ("context at a vendor behind OpenRouter", said(
        "Provider returned error", metadata={"raw": UPSTREAM, "provider_name": "Anthropic"}),
     ContextTooLong, "longer"),
    ("Anthropic's context with output", said(
        "input length and `max_tokens` exceed context limit: 197202 + 21333 > 200000"),
     ContextTooLong, "longer"),
    ("xAI's context", said(
        "This model's maximum prompt length is 131072 but the request contains 537812 tokens."),
     ContextTooLong, "longer"),
    ("vLLM's older context", Fault(400, {"object": "error", "type": "BadRequestError", "message":
        "The decoder prompt (length 40000) is longer than the maximum model length of 32768."}),
     ContextTooLong, "longer"),
    ("Moonshot's context", said("Invalid request: Your request exceeded model token limit: 262144"),
     ContextTooLong, "longer"),
    ("Bedrock's context", said("Input is too long for requested model."), ContextTooLong, "longer"),
    ("text-generation-inference's context", Fault(422, {"error":
        "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4096. Given: 9000"}),
     ContextTooLong, "longer"),
    ("OpenAI's minute that is too small", openai_error(
        429, "Request too large for gpt-4o on tokens per min (TPM): Limit 30000, Requested 33444.",
        "rate_limit_exceeded"), ContextTooLong, "longer"),
    ("Azure's filter", said(
        "The response was filtered due to the prompt triggering Azure OpenAI's content management policy.",
        code="content_filter", innererror={"code": "ResponsibleAIPolicyViolation"}),
     RequestRefused, "content filter"),
    ("DashScope's filter", said(
        "Input data may contain inappropriate content.", code="data_inspection_failed"),
     RequestRefused, "content filter"),
    ("DashScope's filter inside a stream", StreamError(
        "Output data may contain inappropriate content.", "data_inspection_failed"),
     RequestRefused, "content filter"),
    ("OpenRouter's filter", said("Your input was flagged by the moderation of the provider.", 403, code=403),
     RequestRefused, "content filter"),
    ("DashScope's free tier", said("The free tier of the model has been exhausted.", 403,
                                   code="AllocationQuota.FreeTierOnly"), QuotaExhausted, "credit"),
    ("LiteLLM's budget", said("Budget has been exceeded! Current cost: 0.02, Max budget: 0.01",
                              type="budget_exceeded", code="400"), QuotaExhausted, "credit"),
    ("OpenRouter's limit of a key", said("Key limit exceeded (total limit).", 403, code=403),
     QuotaExhausted, "credit"),
    ("LiteLLM's key for other models", said("key not allowed to access model. This key can only access "
        "models=['other']. Tried to access m", 401, type="key_model_access_denied"), UnknownModel, "model m"),
    ("LiteLLM's unknown model", said("/chat/completions: Invalid model name passed in model=m."),
     UnknownModel, "model m"),
    ("LiteLLM's wrong key, where it has no database", said(
        "No connected db.", type="no_db_connection", code="400"), CredentialsRefused, "API key"),
    ("DashScope's model for others", said("Access to model denied.", 403, code="Model.AccessDenied"),
     UnknownModel, "model m"),
    ("Ollama's model without tools", said("registry.ollama.ai/library/m does not support tools"),
     ToolsUnsupported, "can't call tools"),
    ("OpenRouter's model without tools", said("No endpoints found that support tool use.", 404, code=404),
     ToolsUnsupported, "can't call tools"),
    ("vLLM without its flags", said('"auto" tool choice requires --enable-auto-tool-choice and '
                                    "--tool-call-parser to be set"), ToolsUnsupported, "--tool-call-parser"),
    ("FastAPI's list, which repeats the request", Fault(422, {"detail": [{
        "msg": "Input should be a string", "loc": ["body"], "input": "our billing, an invalid api key"}]}),
     RequestRefused, "refused the request (422)"),
    ("a page of a proxy about billing", Fault(400, "<html>Billing</html>"),
     RequestRefused, "refused the request (400)"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("fault", "kind", "words"), [row[1:] for row in REFUSALS], ids=[r[0] for r in REFUSALS]
)
async def test_a_refusal_in_a_services_own_words_is_understood(
    fault: Reply, kind: type[ModelError], words: str
) -> None:
    async with ScriptedModel([fault]) as model, endpoint_of(model, api="chat") as endpoint:
        with pytest.raises(ModelError) as caught:
            await Agent([look]).run(endpoint)
        model.assert_complete()
    assert (type(caught.value), words in str(caught.value)) == (kind, True), caught.value.detail


async def test_the_operator_is_reported_what_any_form_of_error_says() -> None:
    for fault in (
        Fault(400, {"error": "not to my taste"}), Fault(400, {"detail": "not to my taste"}),
        Fault(400, "not to my taste"), in_a_list(400, "not to my taste"),
    ):  # fmt: skip
        async with ScriptedModel([fault]) as model, endpoint_of(model, api="chat") as endpoint:
            with pytest.raises(RequestRefused) as caught:
                await Agent().run(endpoint)
        assert "not to my taste" in caught.value.detail


MINUTES = {
    "tokens of a minute": openai_error(
        429, "Allocated quota exceeded, please increase your quota limit. For details, see: https://help."
        "aliyun.com/zh/model-studio/error-code#token-limit", "insufficient_quota", retry_after="0.01"),
    "tokens of a minute, in OpenAI's words": openai_error(
        429, "You exceeded your current quota, please check your plan and billing details. For details, see: "
        "https://help.aliyun.com/zh/model-studio/error-code#token-limit", "insufficient_quota",
        retry_after="0.01"),
    "the same behind LiteLLM": openai_error(
        429, "litellm.RateLimitError: DashscopeException - You exceeded your current quota, please check.",
        "429", retry_after="0.01"),
}  # fmt: skip


@pytest.mark.parametrize("kind", MINUTES)
async def test_dashscopes_limit_of_a_minute_is_waited_out(kind: str) -> None:
    async with ScriptedModel([MINUTES[kind], Say(ANSWER)]) as model, endpoint_of(model) as endpoint:
        assert (await Agent().run(endpoint)).text == ANSWER
        model.assert_complete()


async def test_dashscopes_limit_is_known_by_its_host() -> None:
    asked = httpx2.Request("POST", "https://dashscope-intl.aliyuncs.com/compatible-mode/v1/chat/completions")
    body = {
        "code": "insufficient_quota",
        "message": "You exceeded your current quota, please check your plan.",
    }
    error = openai.RateLimitError("Error code: 429", response=httpx2.Response(429, request=asked), body=body)
    refusal = failures.read(error)
    assert isinstance(refusal, Refusal)
    failure = resolve(refusal, "qwen-max", lambda _: False)
    assert failure is not None
    assert failure.slows_down


GONE = {
    "an item": in_error(404, message="Item with id 'rs_1' not found. Items are not persisted when `store` is "
        "set to false.", type="invalid_request_error", param="input", code=None),
    "a changed key": in_error(400, message="The encrypted content gAAA... could not be verified.",
        type="invalid_request_error", param=None, code="invalid_encrypted_content"),
}  # fmt: skip


@pytest.mark.parametrize("kind", GONE)
async def test_reasoning_that_a_service_has_lost_is_left_out_and_the_api_kept(kind: str) -> None:
    async def answering(asked: Asked) -> Reply:
        if asked.results:
            return GONE[kind] if "sealed:" in str(asked.body) else Say(ANSWER)
        return Turn(calls=(Call("look", {"word": "a"}),), extra={"reasoning_content": "hm"})

    async with ScriptedModel(answering) as model, endpoint_of(model, api="responses") as endpoint:
        assert (await Agent([look]).run(endpoint)).text == ANSWER
    assert [asked.api for asked in model.requests] == ["responses"] * 3
    assert [
        item.get("id") for item in model.requests[-1]["input"] if item.get("type") == "function_call"
    ] == [None]


@pytest.mark.parametrize("api", ["chat", "responses"])
async def test_a_stray_404_of_an_api_that_has_answered_is_retried(api: str) -> None:
    stray = Fault(404, "404 page not found")
    script: list[Reply] = [Call("look", {"word": "a"}), stray, Say(ANSWER), stray, Say(ANSWER)]
    async with ScriptedModel(script) as model, endpoint_of(model, api="auto") as endpoint:
        if api == "responses":
            endpoint._compatibility.first = ResponsesWire()
        assert (await Agent([look]).run(endpoint)).text == ANSWER
        assert (await Agent([look]).run(endpoint)).text == ANSWER
    assert {asked.api for asked in model.requests} == {api}


async def test_two_models_of_one_endpoint_have_an_api_each() -> None:
    needs = {"old": "chat", "new": "responses"}
    other = {
        "chat": in_error(400, message="Tools are not supported here. Please use /v1/responses instead."),
        "responses": Fault(404, "404 page not found"),
    }

    async def answering(asked: Asked) -> Reply:
        return Say(ANSWER) if asked.api == needs[asked["model"]] else other[asked.api]

    async with ScriptedModel(answering) as model, endpoint_of(model, api="auto") as endpoint:
        for name in ("old", "new", "old", "new"):
            assert (await Agent([look], model=name).run(endpoint)).text == ANSWER
    assert [asked.api for asked in model.requests] == ["chat", "chat", "responses", "chat", "responses"]


AGAIN = {
    "Groq's malformed call": in_error(400, message="Failed to call a function. Please adjust your prompt.",
        type="invalid_request_error", code="tool_use_failed", failed_generation="<function=look>{"),
    "Groq's capacity": in_error(498, message="Flex tier capacity exceeded"),
    "Azure's failed model": in_error(424, message="Failed Dependency"),
}  # fmt: skip


@pytest.mark.parametrize("kind", AGAIN)
async def test_a_slip_of_the_service_is_retried(kind: str) -> None:
    async with ScriptedModel([AGAIN[kind], Say(ANSWER)]) as model, endpoint_of(model) as endpoint:
        assert (await Agent([look]).run(endpoint)).text == ANSWER
        model.assert_complete()


async def test_a_wait_that_is_said_in_words_is_kept() -> None:
    sentence = "Rate limit reached for m on tokens per min (TPM): Limit 30000. Please try again in 0.05s."
    refusal = openai_error(429, sentence, "rate_limit_exceeded")
    waits: list[float] = []
    async with ScriptedModel([refusal, Say(ANSWER)]) as model, endpoint_of(model) as endpoint:
        request = ModelRequest(model="m", instructions="", turns=[UserTurn("Go")])
        await endpoint.complete(request, lambda why, wait: waits.append(wait))
    assert waits == [pytest.approx(0.05, abs=0.01)]
