"""What the endpoint's refusals have taught about each model: its API, and the fields that it takes."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import structlog

from agents.conversation import Json
from agents.model.refusals import FEWER_PICTURES, Meaning, Refusal
from agents.model.wire import ModelRequest, Options, Wire, rewrites
from agents.model.wire.chat import ChatWire
from agents.model.wire.responses import ResponsesWire
from agents.model.wire.rewrites import Rewrite
from agents.model.wire.web_search import WebSearch

log = structlog.get_logger(__name__)

#: Fields of ours that a turn can do without. OpenAI's models without reasoning refuse `include`, Mistral has
#: refused `stream_options`, Azure `prompt_cache_key`, DeepSeek's reasoner `tool_choice`.
_OPTIONAL = ("include", "stream_options", "prompt_cache_key", "tool_choice")
#: The two names of the output limit; a service that refuses one names the other.
_OUTPUT_LIMITS = ("max_tokens", "max_completion_tokens")
#: Fields of a reply that every service accepts again; some demand the others, and some refuse them.
_STANDARD = {"role", "content", "tool_calls"}
#: How OpenAI refuses `include` without naming it.
_ENCRYPTED = "encrypted content is not supported"
_CANT_SEE = "you can't see pictures with this model. Where it matters, say that you have not seen it"
#: What is learnt of a model that can't see, in words.
WITHOUT_PICTURES = "without pictures"
_REFUSED_PICTURE = "the model service does not take it"


@dataclass(slots=True)
class _Learned:
    """What is known about one model."""

    wire: Wire
    has_answered: bool = False
    has_switched: bool = False
    rewrites: dict[str, Rewrite] = field(default_factory=dict)
    """Changes to the whole body, by what they are in words."""
    changes: dict[str, str] = field(default_factory=dict)
    """Fields of a request that are refused, and their other names; "" leaves a field out."""
    refused_back: set[str] = field(default_factory=set)
    """Fields of the model's own replies that it refuses in the history."""
    lost_reasoning: set[str] = field(default_factory=set)
    """Encrypted reasoning that the service can't read any more."""
    max_pictures: int | None = None
    """Pictures of one request; 0 for a model that can't see, None when no number is known."""
    has_seen: bool = False
    """Whether it has answered a request with pictures."""
    refused_pictures: set[str] = field(default_factory=set)
    """Digests of pictures whose request was refused."""
    no_search: bool = False
    """Whether it refuses the service's web search."""
    notes: list[str] = field(default_factory=list)
    """What was learnt, in words."""


class Compatibility:
    """Makes request bodies that each model takes. `api` is `chat`, `responses` or `auto`.

    `auto` begins with Responses at OpenAI and with Chat Completions elsewhere. An API that has answered for a
    model is kept. Fields that the operator has set (`Options.extra`) are always sent.
    """

    def __init__(
        self, api: str, options: Options, *, is_openai: bool, search: WebSearch | None = None
    ) -> None:
        self.options = options
        self._search = search or WebSearch()
        self._wires: dict[Meaning, Wire] = {
            Meaning.USE_CHAT: ChatWire(), Meaning.USE_RESPONSES: ResponsesWire()
        }  # fmt: skip
        self._may_switch = api == "auto"
        begins_with_responses = api == "responses" or (api == "auto" and is_openai)
        self.first = self._wires[Meaning.USE_RESPONSES if begins_with_responses else Meaning.USE_CHAT]
        self._models: defaultdict[str, _Learned] = defaultdict(lambda: _Learned(self.first))

    def wire(self, model: str) -> Wire:
        return self._models[model].wire

    def has_answered(self, model: str) -> bool:
        return self._models[model].has_answered

    def answered(self, request: ModelRequest) -> None:
        """Keep the API of a model that has replied, and whether it takes pictures."""
        learned = self._models[request.model]
        learned.has_answered = True
        learned.has_seen |= bool(request.pictures)

    def visible(self, request: ModelRequest) -> ModelRequest:
        """The request with those of its pictures that the model takes, the newest first."""
        learned = self._models[request.model]
        kept = [one for one in request.pictures.items() if one[0] not in learned.refused_pictures]
        shown = dict(kept[: learned.max_pictures])
        if len(shown) == len(request.pictures):
            return request
        why = _CANT_SEE if learned.max_pictures == 0 else _REFUSED_PICTURE
        return replace(request, pictures=shown, why_hidden=why)

    def body(self, wire: Wire, request: ModelRequest) -> Json:
        learned = self._models[request.model]
        body = wire.body(request, self.options)
        for name, instead in learned.changes.items():
            if name in body and name not in self.options.extra:
                value = body.pop(name)
                body |= {instead: value} if instead else {}
        if learned.refused_back and "messages" in body:
            body["messages"] = [
                {key: value for key, value in message.items() if key not in learned.refused_back}
                for message in body["messages"]
            ]
        if learned.lost_reasoning and "input" in body:
            # Without `id`: an item with one refers to its reasoning.
            body["input"] = [
                {key: value for key, value in item.items() if key != "id"}
                for item in body["input"]
                if _reasoning(item) not in learned.lost_reasoning
            ]
        for rewrite in learned.rewrites.values():
            body = rewrite(body)
        return body if learned.no_search else self._search.added(body, wire.name)

    def notes(self, model: str) -> Sequence[str]:
        """What was learnt about a model, in words for the operator."""
        return self._models[model].notes

    def adapt(
        self, meaning: Meaning, *, refusal: Refusal, wire: Wire, request: ModelRequest, body: Json
    ) -> bool:
        """Learn from a refusal of `body`, made from `request`; False when it would be the same again."""
        model, learned = request.model, self._models[request.model]
        sent, body = body, self._search.removed(body)
        match meaning:
            case Meaning.NO_SEARCH:
                learned.no_search |= body != sent
                change = "without web search" if body != sent else ""
            case _ if meaning in _REWRITES:
                change = self._rewrite(learned, *_REWRITES[meaning], body)
            case Meaning.CHANGE_SCHEMA:
                change = self._change_schema(learned, refusal.words, request, body)
            case Meaning.USE_CHAT | Meaning.USE_RESPONSES:
                change = self._switch(learned, wire, self._wires[meaning])
            case Meaning.DROP_REASONING:
                lost = {found for item in body.get("input", ()) if (found := _reasoning(item))}
                learned.lost_reasoning |= lost
                change = f"without {len(lost)} reasoning items" if lost else ""
            case Meaning.FEWER_PICTURES | Meaning.NO_PICTURES | Meaning.HIDE_PICTURES:
                change = self._hide_pictures(learned, meaning, refusal, request)
            case _:
                change = self._change_field(learned, refusal.words.lower(), body)
        if change:
            if change not in learned.notes:  # requests that were under way meet the same refusal
                learned.notes.append(change)
            log.info("model request changed", model=model, change=change, because=refusal.words)
        return bool(change)

    def _rewrite(self, learned: _Learned, change: str, rewrite: Rewrite, body: Json) -> str:
        if rewrite(body) == body:
            return ""
        learned.rewrites[change] = rewrite
        return change

    def _change_schema(self, learned: _Learned, words: str, request: ModelRequest, body: Json) -> str:
        """Leave out a keyword of the schemas, or the refused tool where its agent can do without it."""
        tools = body.get("tools", [])
        for keyword in sorted(rewrites.keywords(tools)):
            if re.search(rf"(?<![\w$]){re.escape(keyword)}(?!\w)", words):
                return self._rewrite(
                    learned, f"tools without {keyword}", rewrites.without_keyword(keyword), body
                )
        optional = {tool.name for tool in request.tools if tool.is_optional}
        name = _refused_tool(words, [rewrites.tool_name(tool) for tool in tools])
        if name not in optional:
            return ""
        return self._rewrite(learned, f"without the tool {name}", rewrites.without_tool(name), body)

    def _switch(self, learned: _Learned, wire: Wire, other: Wire) -> str:
        """Requests that were under way when another switched the API follow it."""
        if not self._may_switch or wire is other:
            return ""
        if wire is learned.wire:
            if learned.has_answered or learned.has_switched:
                return ""
            learned.wire, learned.has_switched = other, True
        return f"{other.name} API"

    def _hide_pictures(
        self, learned: _Learned, meaning: Meaning, refusal: Refusal, request: ModelRequest
    ) -> str:
        """A model that has seen pictures before is not called blind for one that it refuses."""
        if not request.pictures:
            return ""
        number = re.search(FEWER_PICTURES, refusal.words.lower())
        if meaning is Meaning.FEWER_PICTURES and number and int(number["count"]) < len(request.pictures):
            learned.max_pictures = int(number["count"])
            return f"{learned.max_pictures} pictures at most"
        if meaning is Meaning.NO_PICTURES and not learned.has_seen:
            learned.max_pictures = 0
            return WITHOUT_PICTURES
        learned.refused_pictures |= request.pictures.keys()
        return f"without {len(request.pictures)} pictures"

    def _change_field(self, learned: _Learned, words: str, body: Json) -> str:
        if name := _refused_back(words, body):
            learned.refused_back.add(name)
            return f"without messages.{name}"
        name, instead = _refused_field(words, body)
        if not name or name in self.options.extra or instead in learned.changes:
            return ""
        learned.changes[name] = instead
        return f"{instead} for {name}" if instead else f"without {name}"


_REWRITES: dict[Meaning, tuple[str, Rewrite]] = {
    Meaning.ALTERNATE_ROLES: ("roles alternate", rewrites.with_alternate_roles),
    Meaning.CHANGE_IDS: ("ids of nine letters and digits", rewrites.with_short_ids),
    Meaning.DROP_EMPTY_CONTENT: ("no empty content beside calls", rewrites.without_empty_content),
    Meaning.DROP_SYSTEM_ROLE: ("instructions in the first user message", rewrites.without_system_role),
}


def _refused_tool(words: str, names: Sequence[str]) -> str:
    """The tool that a refusal names, by its name or its index; "" where it names none."""
    if quoted := re.search(r"function '?[\"'`]?([\w-]+)[\"'`]", words):
        return quoted[1] if quoted[1] in names else ""
    index = re.search(
        r"(?:tools|function_declarations)[\[.](\d+)(?:\]|\.)(?!\.?function_declarations)", words
    )
    position = int(index[1]) if index else len(names)
    return names[position] if position < len(names) else ""


def _reasoning(item: Json) -> str:
    """The encrypted content of a reasoning item; "" for other items."""
    return str(item.get("encrypted_content") or item.get("id")) if item.get("type") == "reasoning" else ""


def _refused_back(words: str, body: Json) -> str:
    """The field of a service's own reply that it refuses in the history, as Groq and Mistral do; or ""."""
    own = {key for message in body.get("messages", ()) if message["role"] == "assistant" for key in message}
    return next((key for key in sorted(own - _STANDARD) if re.search(rf"\b{re.escape(key)}\b", words)), "")


def _refused_field(words: str, body: Json) -> tuple[str, str]:
    """The refused field of the body and its other name; both may be empty."""
    named = [name for name in _OUTPUT_LIMITS if re.search(rf"\b{name}\b", words)]
    sent = [name for name in _OUTPUT_LIMITS if name in body]
    if sent and len(named) == 2 and "context" not in words:
        return sent[0], next(name for name in _OUTPUT_LIMITS if name != sent[0])
    for name in _OPTIONAL:
        if name in body and (re.search(rf"\b{name}\b", words) or (name == "include" and _ENCRYPTED in words)):
            return name, ""
    return "", ""
