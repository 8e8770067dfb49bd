"""What a failed model request means: one table of rows, walked by one function.

A row is a status, the words that services say with it, and a meaning. A new vendor's refusal is a new row.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from enum import Enum, auto

from agents.errors import (
    ContextTooLong,
    CredentialsRefused,
    ModelError,
    ModelUnavailable,
    QuotaExhausted,
    RequestRefused,
    ToolsUnsupported,
    UnknownModel,
)
from text.excerpt import one_line

#: Longest wait before a retry, in seconds, whatever Retry-After says.
MAX_WAIT = 60.0
#: The status of an error that comes inside a stream.
INSIDE = 0


class Meaning(Enum):
    """What to do about a refusal."""

    # Change the request and send it again at once (`agents.model.compatibility`).
    ALTERNATE_ROLES = auto()
    USE_RESPONSES = auto()
    USE_CHAT = auto()
    CHANGE_FIELD = auto()
    DROP_REASONING = auto()
    FEWER_PICTURES = auto()
    NO_PICTURES = auto()
    HIDE_PICTURES = auto()
    CHANGE_IDS = auto()
    DROP_EMPTY_CONTENT = auto()
    DROP_SYSTEM_ROLE = auto()
    CHANGE_SCHEMA = auto()
    NO_SEARCH = auto()
    # Send the same request again later.
    SLOW_DOWN = auto()
    RETRY = auto()
    # Give up, with the sentence in `_ERRORS`.
    QUOTA = auto()
    TOO_LONG = auto()
    FILTERED = auto()
    CREDENTIALS = auto()
    NO_TOOLS = auto()
    UNKNOWN_MODEL = auto()
    MOVED = auto()
    REFUSED = auto()


_ADMIN = "Your Handoff admin needs to"
_ERRORS: dict[Meaning, tuple[type[ModelError], str]] = {
    Meaning.QUOTA: (
        QuotaExhausted,
        f"The account at the model service has no credit left. {_ADMIN} top it up or set another key.",
    ),
    Meaning.TOO_LONG: (
        ContextTooLong,
        "The conversation has grown longer than the model {model} can read. Start a new thread with the "
        "part that matters, or attach long text as a file.",
    ),
    Meaning.FILTERED: (
        RequestRefused,
        "The content filter of the model service refused this conversation. Put the request in other words, "
        "or leave out the part that may have set it off.",
    ),
    Meaning.NO_TOOLS: (
        ToolsUnsupported,
        "The model {model} can't call tools at this service, and agents work by calling them. "
        f"{_ADMIN} set another HANDOFF_MODEL, or to start vLLM with --enable-auto-tool-choice and "
        "--tool-call-parser.",
    ),
    Meaning.CREDENTIALS: (
        CredentialsRefused,
        f"The model service refused the API key. {_ADMIN} check OPENAI_API_KEY and OPENAI_BASE_URL.",
    ),
    Meaning.UNKNOWN_MODEL: (
        UnknownModel,
        f"The model service does not know the model {{model}}. {_ADMIN} check HANDOFF_MODEL and "
        "OPENAI_BASE_URL.",
    ),
    Meaning.MOVED: (
        RequestRefused,
        f"The model service redirects requests to {{words}}. {_ADMIN} set OPENAI_BASE_URL to the address "
        "that answers.",
    ),
    Meaning.REFUSED: (
        RequestRefused,
        "The model service refused the request ({status}). Your Handoff admin finds its words in the log.",
    ),
}


@dataclass(frozen=True, slots=True)
class Row:
    """One way to refuse. A row matches when all that it names matches."""

    meaning: Meaning
    status: Collection[int] = ()
    """HTTP statuses; empty for any."""
    says: str = ""
    """A regular expression for the service's words in lower case."""
    unless: str = ""
    host: str = ""
    known: bool = False
    """True for a row that holds only for a model that has replied before."""

    def matches(self, refusal: Refusal, *, is_known: bool) -> bool:
        low = refusal.words.lower()
        return (
            (is_known or not self.known)
            and (not self.status or refusal.status in self.status)
            and re.search(self.says, low) is not None
            and not (self.unless and re.search(self.unless, low))
            and re.search(self.host, refusal.host) is not None
        )


_MODEL = (
    r"model_not_found|model not exist|deploymentnotfound|is not a valid model|not allowed to access model|"
    r"model\.accessdenied|access to model denied|invalid model name"
)
_CONTEXT = (
    r"context[_ ]length|maximum context|context ?window|context size|context limit|maximum model length|"
    r"maximum prompt length|maximum number of tokens|prompt is too long|input is too long|"
    r"prompt exceeds max length|range of input length|too many tokens|model token limit|"
    r"token length exceed|`max_new_tokens` must be"
)
_FILTERED = (
    r"content_filter|content management policy|data_?inspection_?failed|content_policy_violation|"
    r"inappropriate content|input was flagged|violates usage guidelines"
)
#: DeepSeek expects `text` only, Groq a string, and text models of DashScope no list of parts.
_PICTURES = (
    r"\bimages?\b|image_url|input_image|multi-?modal|\bvision\b|mmproj|content must be a string|"
    r"should be a valid string|unexpected item type in content"
)
#: How vLLM names the number of pictures that it takes.
FEWER_PICTURES = r"at most (?P<count>\d+) image"
_OTHER_THAN_429 = frozenset(range(600)) - {429}
#: Words are from the services' documentation, their answers or their users' reports. The order counts.
TABLE = (
    # A model without web search at a service that has it.
    Row(Meaning.NO_SEARCH, {400, 403, 404, 422}, r"web_?search|enable_search|(web|internet) search|"
        r"hosted tool"),
    # Mistral, and the chat templates of its models in llama.cpp, which sends 500 or an error in the stream.
    Row(Meaning.ALTERNATE_ROLES, says=r"unexpected role|roles must alternate"),
    # Templates of Gemma, and OpenAI's first models with reasoning.
    Row(Meaning.DROP_SYSTEM_ROLE, says=r"system role (is )?not supported|does not support 'system'|"
        r"developer instruction is not enabled|system messages? (is|are) not (supported|allowed)|"
        r"unsupported parameter: '?instructions"),
    # Mistral, and its templates in vLLM and llama.cpp; OpenAI for the ids of other services.
    Row(Meaning.CHANGE_IDS, says=r"tool call ids? .*length (of )?9|"
        r"(call_id|tool_calls\[\d+\]\.id)'?: string too"),
    # Bedrock and Anthropic behind gateways, older Mistral.
    Row(Meaning.DROP_EMPTY_CONTENT, {400, 422}, r"content blocks must be non-empty|"
        r"in the contentblock .* is blank|content (must|should|can ?not|can't) (not )?be (non-)?empty|"
        r"either content or tool_calls, but not both"),
    # Gemini's gateway takes part of JSON schema; OpenAI and Anthropic name the tool that they refuse.
    Row(Meaning.CHANGE_SCHEMA, {400, 422}, r"schema|function_declarations|additionalproperties|"
        r"\.parameters|function_parameters"),
    # Encrypted reasoning of another organization or a changed key; items that a gateway looks up in vain.
    Row(Meaning.DROP_REASONING, {400, 404}, r"invalid_encrypted_content|encrypted content .*could not be|"
        r"item with id .*not found|without its required"),
    # vLLM takes one picture unless configured otherwise.
    Row(Meaning.FEWER_PICTURES, {400, 422}, FEWER_PICTURES),
    Row(Meaning.NO_PICTURES, {400, 404, 415, 422}, _PICTURES, unless=f"{_FILTERED}|{_CONTEXT}"),
    # llama.cpp without a projector.
    Row(Meaning.NO_PICTURES, {500}, r"image input is not supported|mmproj"),
    # OpenAI's newest models refuse tools on Chat Completions.
    Row(Meaning.USE_RESPONSES, {400}, r"/v1/responses"),
    Row(Meaning.UNKNOWN_MODEL, {404}, _MODEL + r"|model .*(not found|not exist)"),
    Row(Meaning.USE_CHAT, {404, 405}),
    Row(Meaning.CHANGE_FIELD, {400, 422}, r"support|unrecognized|unknown|unexpected|extra[ _]|"
        r"not (permitted|allowed)"),
    # Gemini says "exceeded your current quota" for its limits per minute too, and then how long to wait.
    Row(Meaning.SLOW_DOWN, {429}, r"(retry|try again) (in|after) \d"),
    # DashScope calls tokens per minute a quota, in OpenAI's words for money; money is `Arrearage` there.
    Row(Meaning.SLOW_DOWN, {429}, host=r"dashscope|aliyun", unless="free"),
    Row(Meaning.SLOW_DOWN, {429}, r"dashscope|aliyun|allocated quota exceeded", unless="free"),
    Row(Meaning.QUOTA, says=r"insufficient_quota|exceeded your current quota|billing|arrearage|"
        r"insufficient (balance|credits)|credit balance is too low|freetieronly|free allocated quota|"
        r"budget has been exceeded|budget_exceeded|key limit exceeded"),
    # OpenAI and Groq send 429 for a request larger than a whole minute's tokens: no wait makes it fit.
    Row(Meaning.TOO_LONG, says=r"request too large"),
    Row(Meaning.TOO_LONG, _OTHER_THAN_429, _CONTEXT),
    Row(Meaning.FILTERED, says=_FILTERED),
    Row(Meaning.CREDENTIALS, says=r"api key not valid|(invalid|incorrect) api key|invalid_api_key|"
        r"no_db_connection"),
    Row(Meaning.NO_TOOLS, says=r"does not support tools|support tool use|enable-auto-tool-choice|"
        r"does not support function call|tool calling is not supported|function calling is not enabled"),
    Row(Meaning.UNKNOWN_MODEL, says=_MODEL),
    Row(Meaning.SLOW_DOWN, {429}),
    # Groq reports a malformed tool call of its model so.
    Row(Meaning.RETRY, {400}, r"tool_use_failed"),
    # 424 is Azure's and Bedrock's for a failed model, 498 Groq's for a busy one.
    Row(Meaning.RETRY, {INSIDE, 408, 409, 424, 425, 498, *range(500, 600)}),
    # A gateway that loses its route for a moment.
    Row(Meaning.RETRY, {404}, known=True),
    Row(Meaning.CREDENTIALS, {401, 403}),
    Row(Meaning.QUOTA, {402}),
    Row(Meaning.UNKNOWN_MODEL, {404}),
    Row(Meaning.TOO_LONG, {413}),
    Row(Meaning.MOVED, range(300, 400)),
    # A refusal in words of its own may be about the search or the pictures.
    Row(Meaning.NO_SEARCH, {400, 422}),
    Row(Meaning.HIDE_PICTURES, {400, 415, 422}),
    Row(Meaning.REFUSED),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Refusal:
    """An error that the service sent. `wait` is in seconds, as the service asks (`agents.model.waits`)."""

    status: int
    words: str
    host: str = ""
    wait: float | None = None


@dataclass(frozen=True, slots=True)
class Transient:
    """A failure that a retry may get past; `wait` is how long the service asks to wait, in seconds."""

    why: str
    wait: float | None = None
    slows_down: bool = False
    """True when the service works and asks for fewer requests."""


def resolve(
    refusal: Refusal, model: str, adapt: Callable[[Meaning], bool], *, is_known: bool = False
) -> Transient | None:
    """Walk the table to the first row that applies.

    Returns None when `adapt` has changed the request, and raises the `ModelError` of a refusal that no retry
    changes. `is_known` means that the model has replied before.
    """
    for row in TABLE:
        if not row.matches(refusal, is_known=is_known):
            continue
        if row.meaning in _ERRORS:
            kind, sentence = _ERRORS[row.meaning]
            text = sentence.format(model=model, status=refusal.status, words=refusal.words)
            raise kind(text, detail=refusal.words)
        if row.meaning in (Meaning.SLOW_DOWN, Meaning.RETRY):
            return _transient(row, refusal)
        if adapt(row.meaning):
            return None
    raise AssertionError("the last row of the table matches everything")


def _transient(row: Row, refusal: Refusal) -> Transient:
    if row.meaning is Meaning.SLOW_DOWN:
        return Transient("the model service asks us to slow down", refusal.wait, slows_down=True)
    if refusal.status == INSIDE:
        return Transient(f"the model service broke off ({one_line(refusal.words, 200)})", refusal.wait)
    return Transient(f"the model service fails ({refusal.status})", refusal.wait)


def unavailable(why: str, tries: int) -> ModelUnavailable:
    """The error after the last retry."""
    after = f" in {tries} tries" if tries > 1 else ""
    return ModelUnavailable(
        f"The model gave no usable reply{after}: {why}. Try again in a few minutes.", detail=why
    )
