"""What an endpoint's refusals have taught us about its API: which of the two it speaks, and the fields of a
request that it takes from a model.

Owns what was learnt, for the process. Never sends anything, and never leaves out what an operator has set.
"""

from __future__ import annotations

import re

import openai
import structlog

from agents import faults, phrases
from agents.conversation import Json
from agents.wire import ModelRequest, Options, Wire
from agents.wire.chat import ChatWire, alternating
from agents.wire.responses import ResponsesWire
from agents.wire.stream import ErrorInside

log = structlog.get_logger(__name__)

#: Fields of ours that a turn can do without. OpenAI's models without reasoning refuse `include`, Mistral has
#: refused `stream_options`, Azure `prompt_cache_key`, DeepSeek's reasoner `tool_choice`.
_SPARE = ("include", "stream_options", "prompt_cache_key", "tool_choice")
#: The two spellings of the most output; a service that refuses one names the other.
_MOST = ("max_tokens", "max_completion_tokens")
_REFUSED = re.compile(r"support|unrecognized|unknown|unexpected|extra[ _]|not (permitted|allowed)")
#: Fields of a reply that every service hears again; what is beyond them, some demand and some refuse.
_STANDARD = {"role", "content", "tool_calls"}
#: How OpenAI refuses `include` without naming it in words.
_SEALED = "encrypted content is not supported"


class Dialect:
    """The wire to speak, first the one that seems right; `api` is `chat`, `responses` or `auto`."""

    def __init__(self, api: str, options: Options, *, is_openai: bool) -> None:
        self.options = options
        self._wires: list[Wire] = [ChatWire(), ResponsesWire()]
        if api == "responses" or (api == "auto" and is_openai):
            self._wires.reverse()
        self._may_switch = api == "auto"
        self._has_switched = False
        self._changes: dict[str, dict[str, str]] = {}
        self._in_turns: set[str] = set()
        self._unheard: dict[str, set[str]] = {}

    @property
    def wire(self) -> Wire:
        return self._wires[0]

    def body(self, wire: Wire, request: ModelRequest) -> Json:
        """The request as this endpoint takes it."""
        body = wire.body(request, self.options)
        for field, instead in self._changes.get(request.model, {}).items():
            if field in body and field not in self.options.extra:
                value = body.pop(field)
                body |= {instead: value} if instead else {}
        if request.model in self._in_turns and "messages" in body:
            body["messages"] = alternating(body["messages"])
        if (unheard := self._unheard.get(request.model)) and "messages" in body:
            body["messages"] = [
                {key: value for key, value in message.items() if key not in unheard}
                for message in body["messages"]
            ]
        return body

    def learns_from(self, error: Exception, wire: Wire, model: str, body: Json) -> bool:
        """Whether the same turn, asked anew of `model`, will be asked in another way than `body`."""
        if self._takes_turns(error, model, body):
            return True
        if not isinstance(error, openai.APIStatusError):
            return False
        return self._switches(error, wire) or self._spares(error, model, body)

    def _takes_turns(self, error: Exception, model: str, body: Json) -> bool:
        """Whether the service wants roles to alternate; llama.cpp says so with a 500, or inside a stream."""
        if not isinstance(error, openai.APIStatusError | ErrorInside):
            return False
        said = str(error) if isinstance(error, ErrorInside) else faults.words(error)
        messages = body.get("messages", [])
        if not any(known in said.lower() for known in phrases.ROLES) or alternating(messages) == messages:
            return False
        if model not in self._in_turns:
            self._in_turns.add(model)
            log.info("model request changed", model=model, field="messages", because=said)
        return True

    def _switches(self, error: openai.APIStatusError, wire: Wire) -> bool:
        """Whether the service wants the other API: once for the process, for all that are under way."""
        if not self._may_switch:
            return False
        if wire.name == "chat":
            wants_other = error.status_code == 400 and "/v1/responses" in faults.words(error)
        else:
            wants_other = error.status_code in (404, 405) and not faults.is_about_the_model(error)
        if wants_other and wire is self._wires[0] and not self._has_switched:
            self._has_switched = True
            self._wires.reverse()
            log.info("model api switched", api=self._wires[0].name, because=error.message)
        return wants_other and wire is not self._wires[0]

    def _spares(self, error: openai.APIStatusError, model: str, body: Json) -> bool:
        """Whether the service refuses a field that can be left out or spelled otherwise for this model."""
        if error.status_code not in (400, 422):
            return False
        said = faults.words(error).lower()
        if not _REFUSED.search(said):
            return False
        if field := _refused_back(said, body):
            self._unheard.setdefault(model, set()).add(field)
            log.info("model request changed", model=model, field=f"messages.{field}", because=said)
            return True
        field, instead = _refused(said, body)
        changes = self._changes.setdefault(model, {})
        if not field or field in self.options.extra or instead in changes:
            return False
        changes[field] = instead
        log.info("model request changed", model=model, field=field, instead=instead, because=said)
        return True


def _refused_back(said: str, body: Json) -> str:
    """The field of a service's own reply that it refuses to hear again, as Groq and Mistral do; or empty."""
    own = {key for message in body.get("messages", ()) if message["role"] == "assistant" for key in message}
    return next((key for key in sorted(own - _STANDARD) if re.search(rf"\b{re.escape(key)}\b", said)), "")


def _refused(said: str, body: Json) -> tuple[str, str]:
    """The field of the body that is refused, and what it is called instead; both may be empty."""
    named = [field for field in _MOST if re.search(rf"\b{field}\b", said)]
    sent = [field for field in _MOST if field in body]
    if sent and len(named) == 2 and "context" not in said:
        return sent[0], next(field for field in _MOST if field != sent[0])
    for field in _SPARE:
        if field in body and (re.search(rf"\b{field}\b", said) or (field == "include" and _SEALED in said)):
            return field, ""
    return "", ""
