"""The client of an OpenAI-compatible model service: streaming, retries, rate limits, fallback models.

Requests go out by the client's public `post` without its typed layer, which walks the whole history on each
call and drops fields that vendors demand back (`benchmarks/agents.py` measures it).
"""

from __future__ import annotations

import asyncio
import json
import random
import ssl
from collections.abc import Callable, Sequence
from contextlib import aclosing, nullcontext
from dataclasses import replace
from functools import cache, partial
from types import TracebackType
from typing import cast
from urllib.parse import urlsplit

import httpx2
import structlog
from openai import AsyncOpenAI, AsyncStream, DefaultAioHttpClient, Omit, OpenAIError, RequestOptions

from agents.budget import EndpointLimits
from agents.conversation import Json, ModelReply
from agents.errors import ModelError, ModelUnavailable, QuotaExhausted, ToolsUnsupported, UnknownModel
from agents.model import failures
from agents.model.compatibility import Compatibility
from agents.model.concurrency import ConcurrencyLimiter, Pause
from agents.model.refusals import MAX_WAIT, Transient, resolve, unavailable
from agents.model.wire import ModelRequest, Options, Wire
from agents.model.wire.assembler import Assembler
from agents.model.wire.stream import ResponseBody, SilentStream
from agents.model.wire.web_search import WebSearch
from text.echo import without_echo

log = structlog.get_logger(__name__)

#: Hosts whose newest models refuse tools on Chat Completions, and which know OpenAI's own fields.
_OPENAI_HOSTS = ("api.openai.com", ".api.openai.com", ".openai.azure.com")
#: Seconds for which a model that has failed is tried after its fallbacks.
FALLBACK_SECONDS = 60.0
OnRetry = Callable[[str, float], None]
#: Receives the whole text of a reply as it grows; a retry begins again.
OnText = Callable[[str], None]
#: Headers that describe this machine: no endpoint needs them, and each costs time.
_OMITTED_HEADERS = {
    f"x-stainless-{what}": Omit()
    for what in (
        "lang", "package-version", "os", "arch", "runtime", "runtime-version", "async", "retry-count",
        "read-timeout",
    )
}  # fmt: skip
#: Each report holds the whole text, so the next one waits until it has grown by a fiftieth.
_GROWTH = 1.02


class Endpoint:
    """Requests model turns from one OpenAI-compatible service.

    `api` is `chat`, `responses` or `auto` (see `agents.model.compatibility`). `idle_timeout` bounds the
    seconds between two pieces of a stream, not the whole reply. A turn is tried `tries` times unless no
    retry can help. Rate limits are not counted as tries: they are waited out for `patience` seconds.
    `at_once` bounds the concurrent requests for each model. `search` is the service's own web search."""

    def __init__(
        self, *, api_key: str, base_url: str | None = None, api: str = "auto",
        idle_timeout: float = EndpointLimits.idle_seconds, tries: int = 5, first_wait: float = 0.5,
        patience: float = 600.0, at_once: int = EndpointLimits.at_once,
        most_output: int | None = None, extra: dict[str, object] | None = None,
        search: WebSearch | None = None,
    ) -> None:  # fmt: skip
        hooks = {"response": [failures.refuse_redirects]}
        http = DefaultAioHttpClient(verify=_certificates(), event_hooks=hooks)
        self._client = AsyncOpenAI(api_key=api_key, base_url=base_url, http_client=http)
        # One object for all requests: the client does not copy what is given with a request.
        self._request_options: RequestOptions = {
            "headers": _OMITTED_HEADERS, "params": {}, "max_retries": 0,
            "timeout": httpx2.Timeout(idle_timeout, pool=None),
        }  # fmt: skip
        is_openai = _is_openai(str(self._client.base_url))
        options = Options(
            most_output=most_output,
            output_field="max_completion_tokens" if is_openai else "max_tokens",
            takes_cache_key=is_openai,
            extra=dict(extra or {}),
        )
        self._compatibility = Compatibility(api, options, is_openai=is_openai, search=search)
        self._idle_timeout = idle_timeout
        self._tries, self._first_wait, self._patience = tries, first_wait, patience
        self._max_requests = at_once
        self._limiters: dict[str, ConcurrencyLimiter] = {}
        self._unavailable_until: dict[str, float] = {}

    @property
    def host(self) -> str:
        """The host of the model service."""
        return urlsplit(str(self._client.base_url)).hostname or ""

    async def owner(self) -> str:
        """What a server says of itself in its list of models, such as `vllm` or `llamacpp`; "" for none."""
        try:
            listed = await self._client.get("/models", cast_to=object, options={"max_retries": 0})
        except OpenAIError:
            return ""
        data = listed.get("data") if isinstance(listed, dict) else None
        first = data[0] if isinstance(data, list) and data else None
        return str(first.get("owned_by") or "") if isinstance(first, dict) else ""

    def learned(self, model: str) -> Sequence[str]:
        """What refusals have taught about a model, in words for the operator."""
        return self._compatibility.notes(model)

    async def __aenter__(self) -> Endpoint:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.close()

    async def complete(
        self, request: ModelRequest, on_retry: OnRetry | None = None, on_text: OnText | None = None,
        pause: Pause = nullcontext,
    ) -> ModelReply:  # fmt: skip
        """Request one model turn. Raises a `ModelError` with a sentence for the person who waits.

        `pause` is entered while the request waits for a slot, or because the service asked to slow down.

        `request.model` may name several models with commas: the later ones are fallbacks for those that are
        unavailable, unknown, out of credit or without tools.
        """
        *firsts, last = self._in_order([name.strip() for name in request.model.split(",")])
        for model in firsts:
            try:
                return await self._complete(replace(request, model=model), on_retry, on_text, pause)
            except (ModelUnavailable, UnknownModel, QuotaExhausted, ToolsUnsupported) as error:
                self._unavailable_until[model] = asyncio.get_running_loop().time() + FALLBACK_SECONDS
                log.warning("model failed, using its fallback", model=model, why=str(error))
        return await self._complete(replace(request, model=last), on_retry, on_text, pause)

    def _in_order(self, models: list[str]) -> list[str]:
        """The models in the order to try them: those that failed a moment ago come last."""
        now = asyncio.get_running_loop().time()
        return sorted(models, key=lambda model: self._unavailable_until.get(model, 0.0) > now)

    async def _complete(
        self, request: ModelRequest, on_retry: OnRetry | None, on_text: OnText | None, pause: Pause
    ) -> ModelReply:
        limiter = self._limiters.setdefault(request.model, ConcurrencyLimiter(self._max_requests))
        give_up = asyncio.get_running_loop().time() + self._patience
        tries = 0
        while True:
            failure = await self._attempt(request, limiter, on_text, pause)
            if isinstance(failure, ModelReply):
                return failure
            wait = self._wait(limiter.storms if failure.slows_down else tries, failure)
            if failure.slows_down:
                limiter.slow_down(wait)
            else:
                tries += 1
            log.info("model retry", model=request.model, why=failure.why, wait=round(wait, 2), attempt=tries)
            if tries == self._tries or asyncio.get_running_loop().time() + wait > give_up:
                raise unavailable(failure.why, tries)
            if on_retry is not None:
                on_retry(failure.why, wait)
            with pause() if failure.slows_down else nullcontext():
                await asyncio.sleep(wait)

    async def _attempt(
        self, request: ModelRequest, limiter: ConcurrencyLimiter, on_text: OnText | None, pause: Pause
    ) -> ModelReply | Transient:
        """Send a request, and again where a refusal has changed it. Raises a `ModelError` that is final."""
        model = request.model
        wire = self._compatibility.wire(model)
        shown = self._compatibility.visible(request)
        body = self._compatibility.body(wire, shown)
        async with limiter.slot(pause):
            try:
                reply = await self._fetch(wire, body, on_text)
            except Exception as error:
                if not failures.is_from_service(error):
                    raise
                failure = failures.read(error)
                if isinstance(failure, Transient):
                    return failure
                adapt = partial(
                    self._compatibility.adapt, refusal=failure, wire=wire, request=shown, body=body
                )
                try:
                    known = self._compatibility.has_answered(model)
                    transient = resolve(failure, model, adapt, is_known=known)
                except ModelError as fatal:
                    fatal.detail = without_echo(fatal.detail, json.dumps(body, ensure_ascii=False))
                    log.warning("model refused", model=model, detail=fatal.detail)
                    raise fatal from error
                if transient is not None:
                    return transient
            else:
                limiter.speed_up()
                self._compatibility.answered(shown)
                is_blind = bool(request.pictures) and not shown.pictures
                return replace(reply, model=model, blind=is_blind)
        return await self._attempt(request, limiter, on_text, pause)

    async def _fetch(self, wire: Wire, body: Json, on_text: OnText | None) -> ModelReply:
        assembler = wire.assembler()
        progress = _TextProgress(assembler, on_text)
        try:
            async with asyncio.timeout(self._idle_timeout) as idle:
                timer = _IdleTimer(idle, self._idle_timeout)
                async with aclosing(await self._post(wire, body)) as response:
                    reading = ResponseBody(response.headers.get("content-type", ""))
                    async for piece in response.aiter_bytes():
                        for value in reading.feed(piece):
                            assembler.add(value)
                        timer.reset(assembler.grace)  # a comment of a server that is busy counts too
                        progress.report()
                    for value in reading.finish():
                        assembler.add(value)
        except (TimeoutError, httpx2.TransportError) as error:
            if assembler.grace is None:  # a complete reply counts, however its connection ends
                if idle.expired():
                    raise SilentStream(f"{self._idle_timeout:g} seconds") from error
                raise
        reply = assembler.reply()
        progress.report(last=True)
        return reply

    async def _post(self, wire: Wire, body: Json) -> httpx2.Response:
        """The response as soon as its headers are there."""
        response = await self._client.post(
            # A base URL without a path has no slash at its end.
            f"{str(self._client.base_url).rstrip('/')}/{wire.path}",
            cast_to=httpx2.Response,
            body=body,
            options=self._request_options,
            stream=True,
            stream_cls=AsyncStream[object],
        )
        return cast("httpx2.Response", response)

    def _wait(self, doublings: int, failure: Transient) -> float:
        if failure.wait is not None:
            return min(max(failure.wait, 0.0), MAX_WAIT) + random.uniform(0, self._first_wait)
        wait: float = self._first_wait * 2 ** min(doublings, 10) * random.uniform(0.5, 1.5)
        return min(wait, MAX_WAIT)


class _TextProgress:
    """Reports the text of a reply as it grows."""

    def __init__(self, assembler: Assembler, on_text: OnText | None) -> None:
        self._assembler = assembler
        self._on_text = on_text
        self._reported = 0

    def report(self, *, last: bool = False) -> None:
        length = self._assembler.text_length
        if self._on_text is not None and length > self._reported * (1 if last else _GROWTH):
            self._reported = length
            self._on_text(self._assembler.text)


class _IdleTimer:
    """Reschedules the timeout of a stream while data comes."""

    def __init__(self, idle: asyncio.Timeout, seconds: float) -> None:
        self._idle = idle
        self._seconds = seconds
        self._now = asyncio.get_running_loop().time
        self._last_reset = self._now()
        self._grace: float | None = None

    def reset(self, grace: float | None) -> None:
        """Data has come; `grace` is set once the reply is complete."""
        now = self._now()
        if grace != self._grace:
            self._grace = grace
            self._idle.reschedule(now + min(grace or self._seconds, self._seconds))
        elif grace is None and now - self._last_reset > self._seconds / 100:  # more often costs time
            self._last_reset = now
            self._idle.reschedule(now + self._seconds)


def _is_openai(base_url: str) -> bool:
    host = urlsplit(base_url).hostname or ""
    return any(host.endswith(known) if known[0] == "." else host == known for known in _OPENAI_HOSTS)


@cache
def _certificates() -> ssl.SSLContext:
    """The trusted certificates, read once for all clients: it takes a tenth of a second."""
    return httpx2.create_ssl_context()
