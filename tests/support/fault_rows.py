"""The fault table: what each known fault of a model endpoint comes to. `docs/agents.md` shows it.

After a change: `python -m tests.support.fault_rows` writes it into the page.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from agents.errors import (
    ContextTooLong,
    CredentialsRefused,
    FatalModelError,
    ModelError,
    ModelUnavailable,
    QuotaExhausted,
    RequestRefused,
    ToolsUnsupported,
    UnknownModel,
)
from tests.support.scripted_model import (
    BadJson,
    BadUtf8,
    Call,
    Cut,
    Empty,
    Fault,
    Hang,
    Html502,
    Polite,
    Raw,
    Reply,
    Say,
    StreamError,
    Turn,
    openai_error,
)  # fmt: skip

PAGE = Path(__file__).parents[2] / "docs" / "agents.md"


@dataclass(frozen=True)
class Row:
    """A fault, in front of a script that would do; `requests` is how many the answer takes in all."""

    name: str
    faults: Sequence[Reply]
    requests: int

    def __str__(self) -> str:
        return self.name


ERROR = Raw(
    [b'{"error": {"message": "The upstream is overloaded", "code": 502}}'],
    {"Content-Type": "application/json"},
)
PASSING = [
    Row("none", [], 2),
    Row("one 429", [openai_error(429, "Rate limit reached", "rate_limit_exceeded", retry_after="0.01")], 3),
    Row("429 with a date", [openai_error(429, "Slow down", retry_after="Wed, 21 Oct 2015 07:28:00 GMT")], 3),
    Row("nine 429 in a row", [Fault(429, "slow down", {"Retry-After": "0.001"}, times=9)], 11),
    Row("Gemini's limit per minute", [Fault(429, {"error": {"message":
        "You exceeded your current quota. Please retry in 0.01s.", "status": "RESOURCE_EXHAUSTED"}})], 3),
    Row("four 500", [Fault(500, "oops", times=4)], 6),
    Row("502 with a page of HTML", [Html502()], 3),
    Row("503", [openai_error(503, "overloaded")], 3),
    Row("529", [openai_error(529, "overloaded")], 3),
    Row("408", [Fault(408, "")], 3),
    Row("connection cut before a byte", [Cut(after_chunks=0)], 3),
    Row("connection cut in the middle", [Cut(after_chunks=3)], 3),
    Row("stream that ends politely half-way", [Polite()], 3),
    Row("stream that breaks off with an error", [StreamError()], 3),
    Row("stream that is not JSON", [BadJson()], 3),
    Row("stream that is not UTF-8", [BadUtf8()], 3),
    Row("gzip that is none", [Raw([b"x" * 99], {"Content-Encoding": "gzip"})], 3),
    Row("200 with a web page", [Raw([b"<!doctype html>"], {"Content-Type": "text/html"})], 3),
    Row("200 with an error for a body", [ERROR], 3),
    Row("200 with nothing", [Raw([])], 3),
    Row("DashScope's limit of tokens per minute, which it calls a quota", [openai_error(
        429, "You exceeded your current quota. For details, see: https://help.aliyun.com/zh/model-studio",
        "insufficient_quota", retry_after="0.01")], 3),
    Row("a redirect", [Fault(307, "", {"Location": "?again"})], 3),
    Row("Retry-After that is no number", [Fault(503, "", {"Retry-After": "nan"})], 3),
    Row("Retry-After in the past", [Fault(503, "", {"Retry-After": "-5"})], 3),
    Row("one that goes silent", [Hang(30, after_chunks=2)], 3),
    Row("one that never begins", [Hang(30)], 3),
    Row("empty reply", [Empty()], 3),
    Row("only white space", [Say(" \n ")], 3),
    Row("arguments that are not JSON", [Call("look_up", '{"word": "answer')], 3),
    Row("arguments that are no object", [Call("look_up", '["answer"]')], 3),
    Row("no arguments", [Call("look_up", "")], 3),
    Row("a missing argument", [Call("look_up", {})], 3),
    Row("an argument too many", [Call("look_up", {"word": "a", "timeout": 9})], 3),
    Row("an argument of the wrong type", [Call("look_up", {"word": {"a": 1}})], 3),
    Row("an unknown tool", [Call("google", {"q": "answer"})], 3),
    Row("a tool without a name", [Call("", {"q": "answer"})], 3),
    Row("a tool whose name no tool can have", [Call("look up!", {"q": "answer"})], 3),
    Row("two calls with one id", [Turn(calls=(
        Call("look_up", {"word": "a"}, id="same"), Call("look_up", {"word": "b"}, id="same")))], 3),
    Row("ids used again in a later turn", [
        Call("look_up", {"word": "a"}, id="call_0"), Call("look_up", {"word": "b"}, id="call_0")], 4),
]  # fmt: skip


KEY = (
    "The model service refused the API key. Your Handoff admin needs to check OPENAI_API_KEY and "
    "OPENAI_BASE_URL."
)
CREDIT = (
    "The account at the model service has no credit left. Your Handoff admin needs to top it up or set "
    "another key."
)
LONG = (
    "The conversation has grown longer than the model m can read. Start a new thread with the part that "
    "matters, or attach long text as a file."
)
UNKNOWN = (
    "The model service does not know the model m. Your Handoff admin needs to check HANDOFF_MODEL and "
    "OPENAI_BASE_URL."
)

FILTERED = (
    "The content filter of the model service refused this conversation. Put the request in other words, or "
    "leave out the part that may have set it off."
)
NO_TOOLS = (
    "The model m can't call tools at this service, and agents work by calling them. Your Handoff admin "
    "needs to set another HANDOFF_MODEL, or to start vLLM with --enable-auto-tool-choice and "
    "--tool-call-parser."
)


FAILS = "the model service fails (500)"
UNREADABLE = "the model service sent something unreadable"
PAGE_OF_HTML = "a web page answered and no model: OPENAI_BASE_URL may be wrong"


def refused(status: int) -> str:
    return f"The model service refused the request ({status}). Your Handoff admin finds its words in the log."


def unusable(why: str) -> str:
    return f"The model gave no usable reply in 5 tries: {why}. Try again in a few minutes."


QUOTA = "You exceeded your current quota, please check your plan and billing details."
CONTEXT = (
    "This model's maximum context length is 8192 tokens. However, your messages resulted in 9000 tokens."
)


@dataclass(frozen=True)
class Lasting:
    """A fault that does not pass: its error, the sentence for the person, and the number of requests."""

    name: str
    fault: Reply
    kind: type[ModelError]
    sentence: str
    requests: int

    def __str__(self) -> str:
        return self.name


LASTING = [
    Lasting("401", openai_error(401, "Incorrect API key provided", "invalid_api_key", ),
            CredentialsRefused, KEY, 1),
    Lasting("403", openai_error(403, "Forbidden"), CredentialsRefused, KEY, 1),
    Lasting("Gemini's wrong key", openai_error(400, "API key not valid. Please pass a valid API key."),
            CredentialsRefused, KEY, 1),
    Lasting("quota", openai_error(429, QUOTA, "insufficient_quota"), QuotaExhausted, CREDIT, 1),
    Lasting("DeepSeek's 402", openai_error(402, "Insufficient Balance"), QuotaExhausted, CREDIT, 1),
    Lasting("Anthropic's credit", openai_error(400, "Your credit balance is too low to access the API."),
            QuotaExhausted, CREDIT, 1),
    Lasting("DashScope's arrears", openai_error(400, "Access denied, account overdue.", "Arrearage"),
            QuotaExhausted, CREDIT, 1),
    Lasting("context", openai_error(400, CONTEXT, "context_length_exceeded"),
            ContextTooLong, LONG, 1),
    Lasting("DashScope's context", openai_error(400, "Range of input length should be [1, 30720]"),
            ContextTooLong, LONG, 1),
    Lasting("llama.cpp's context", openai_error(400, "the request exceeds the available context size"),
            ContextTooLong, LONG, 1),
    Lasting("unknown model", openai_error(404, "The model `m` does not exist", "model_not_found"),
            UnknownModel, UNKNOWN, 1),
    Lasting("DeepSeek's unknown model", openai_error(400, "Model Not Exist"),
            UnknownModel, UNKNOWN, 1),
    Lasting("Gemini's wrong key, in a list", Fault(400, json.dumps([{"error": {
        "code": 400, "message": "API key not valid. Please pass a valid API key."}}])),
            CredentialsRefused, KEY, 1),
    Lasting("a request larger than a minute's tokens", openai_error(
        429, "Request too large for m on tokens per min (TPM): Limit 30000, Requested 33444."),
            ContextTooLong, LONG, 1),
    Lasting("a conversation that a content filter refuses", openai_error(
        400, "Input data may contain inappropriate content.", "data_inspection_failed"),
            RequestRefused, FILTERED, 1),
    Lasting("a model that takes no tools", openai_error(400, "m does not support tools"),
            ToolsUnsupported, NO_TOOLS, 1),
    Lasting("another 400", openai_error(400, "tools[0] is not to my taste"),
            RequestRefused, refused(400), 1),
    Lasting("413", Fault(413, "Payload Too Large"), ContextTooLong, LONG, 1),
    Lasting("422", Fault(422, {"detail": [{"loc": ["body"], "msg": "x"}]}), RequestRefused, refused(422), 1),
    Lasting("quota inside a stream", StreamError("You exceeded your current quota", "insufficient_quota"),
            QuotaExhausted, CREDIT, 1),
    Lasting("context inside a stream", StreamError(CONTEXT, "context_length_exceeded"),
            ContextTooLong, LONG, 1),
    Lasting("500 for ever", Fault(500, "oops"), ModelUnavailable, unusable(FAILS), 5),
    Lasting("a web page for ever", Raw([b"<html>"], {"Content-Type": "text/html; charset=utf-8"}),
            ModelUnavailable, unusable(PAGE_OF_HTML), 5),
    Lasting("nonsense for ever", BadJson(), ModelUnavailable, unusable(UNREADABLE), 5),
]  # fmt: skip

#: What does not fit into one shape: fault, what Handoff does, what the person sees, and the test.
BESIDES = [
    ("a reply cut by its length", "asks to go on, three times at most", "the answer, in one piece",
     "test_a_reply_cut_by_length_is_continued_and_reported_as_one"),
    ("cut by its length again and again", "ends that agent's work", "what there is, and what ended it",
     "test_a_reply_cut_by_length_again_and_again_is_no_answer_in_disguise"),
    ("a reply that a content filter stopped", "ends that agent's work", "that the filter stopped it",
     "test_a_filtered_reply_says_that_it_was_filtered"),
    ("two empty replies", "ends that agent's work", "that there were two",
     "test_two_empty_replies_are_an_honest_end"),
    ("DeepSeek's `reasoning_content`, Gemini's signature", "sends them back as they came", "the answer",
     "test_what_a_vendor_wants_back_comes_back"),
    ("tools refused on Chat Completions (gpt-5.4 and later)", "asks by Responses from then on",
     "the answer", "test_chat_that_refuses_tools_is_left_for_responses"),
    ("pictures that the model can't see", "leaves them out for that model from then on",
     "the answer, and that the model can't see pictures",
     "test_a_model_that_cant_see_is_asked_without_pictures_from_then_on"),
    ("a web search that the model refuses", "leaves it out for that model from then on", "the answer",
     "test_a_model_that_refuses_the_search_is_asked_without_it_from_then_on"),
    ("more pictures than a server takes (vLLM)", "sends the newest", "the answer",
     "test_a_server_that_takes_one_picture_gets_the_newest"),
    ("a field of ours that the service refuses (`include`, `stream_options`, `max_tokens`)",
     "leaves it out, or spells it otherwise, for that model from then on", "the answer",
     "test_a_field_that_a_service_refuses_is_left_out_from_then_on"),
    ("a reply that the service broke off (`network_error`, `insufficient_system_resource`)", "asks again",
     "the answer", "test_a_reply_that_a_service_broke_off_is_asked_for_again"),
    ("a call that the limit of length cut", "returns an error to the model, runs nothing", "the answer",
     "test_a_call_that_the_limit_of_length_cut_is_reported_so"),
    ("tools, ids and roles that a model's service refuses", "changes the request for that model from then on",
     "the answer", "test_one_tool_that_is_refused_is_left_out_and_named"),
    ("thinking inside the words (`<think>`, `[THINK]`, gpt-oss)", "keeps it from people", "the answer",
     "test_thinking_that_a_server_leaves_in_the_words_is_not_said"),
    ("a stream without end", "ends it, asks again", "the answer", "test_a_stream_without_end_is_ended"),
    ("1,000 calls in one reply", "runs 32, returns an error to the model", "the answer",
     "test_a_thousand_calls_in_one_reply_are_cut_to_what_is_bearable"),
    ("arguments of 5 MB", "returns an error to the model, runs nothing", "the answer",
     "test_arguments_of_five_megabytes_are_refused_to_the_model"),
    ("an answer of 200 KB", "takes it", "the answer, whole", "test_an_answer_of_200_kilobytes_arrives_whole"),
    ("half an emoji, NUL", "makes them sound", "the answer", "test_what_no_database_takes_is_made_sound"),
    ("tool calls as text that can't be run", "asks once, then for words in a request without tools",
     "the answer, and why it stopped early",
     "test_markup_again_is_answered_by_a_turn_without_tools"),
]  # fmt: skip


def page() -> str:
    """The table as the page has it."""
    lines = ["| fault | what Handoff does | what the person sees | requests |", "|---|---|---|---|"]
    lines += [f"| {r.name} | {_done(r)} | the answer | {r.requests} |" for r in PASSING if r.faults]
    for row in LASTING:
        does = "asks again, then " if row.requests > 1 else ""
        does += "makes room, and where there is none " if row.kind is ContextTooLong else ""
        does += "ends the task" if issubclass(row.kind, FatalModelError) else "ends that agent's work"
        lines.append(f"| {row.name} | {does} | {row.sentence} | {row.requests} |")
    lines += [f"| {fault} | {does} | {sees} | |" for fault, does, sees, _ in BESIDES]
    return "\n".join(lines)


def _done(row: Row) -> str:
    if not isinstance(row.faults[0], Call | Turn):
        return "asks again"
    return (
        "runs them"
        if "id" in row.name.split() or "ids" in row.name
        else "returns an error that says what to send"
    )


def write() -> None:
    table = re.compile(r"\| fault \|.*?(?=\n\n)", re.DOTALL)
    PAGE.write_text(table.sub(lambda _: page(), PAGE.read_text(), count=1))


if __name__ == "__main__":
    write()
