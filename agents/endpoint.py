"""The model service: one client for the whole process, the API it speaks, and patience with it.

Requests go out by the client's public `post` without its typed layer, which walks the whole history on each
call and drops fields that vendors demand back (`benchmarks/agents.py` measures it).
Never decides what to say: that is `agents.loop`.
"""

from __future__ import annotations

import asyncio
import random
import ssl
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import replace
from functools import cache
from types import TracebackType
from typing import cast
from urllib.parse import urlsplit

import httpx2
import structlog
from openai import AsyncOpenAI, AsyncStream, DefaultAioHttpClient, Omit, RequestOptions

from agents import faults, redirects
from agents.concurrency import ConcurrencyLimiter
from agents.conversation import Json, ModelReply
from agents.dialect import Dialect
from agents.errors import ModelError, ModelUnavailable, QuotaExhausted, ToolsUnsupported, UnknownModel
from agents.wire import ModelRequest, Options, Wire
from agents.wire.assembler import Assembler
from agents.wire.stream import values

log = structlog.get_logger(__name__)

#: Hosts whose newest models refuse tools on Chat Completions, and which know OpenAI's own fields.
_OPENAI_HOSTS = ("api.openai.com", ".api.openai.com", ".openai.azure.com")
#: How long a model that could not be had is passed over when another stands in for it.
PASSED_OVER_SECONDS = 60.0
OnRetry = Callable[[str, float], None]
#: Told what a reply says so far, as it grows; a try that is repeated begins again.
OnText = Callable[[str], None]
#: Headers that would describe this machine with every request: no endpoint needs them, and each costs time.
_UNSAID = {
    f"x-stainless-{what}": Omit()
    for what in (
        "lang", "package-version", "os", "arch", "runtime", "runtime-version", "async", "retry-count",
        "read-timeout",
    )
}  # fmt: skip
#: The whole text is told each time, so it is told again only when it has grown by a fiftieth.
_GROWN = 1.02


class Endpoint:
    """Asks one OpenAI-compatible service for model turns.

    `api` is `chat`, `responses` or `auto`: auto picks by host and, once, by what the service refuses.
    `idle_timeout` bounds the seconds between two pieces of a stream, not the whole reply. A turn is tried
    `tries` times; credentials, quota, context and unknown models are never tried again. Refusals for pace
    are not counted: they are waited out for `patience` seconds. `at_once` bounds the requests per model.
    """

    def __init__(
        self, *, api_key: str, base_url: str | None = None, api: str = "auto", idle_timeout: float = 90.0,
        tries: int = 5, first_wait: float = 0.5, patience: float = 600.0, at_once: int = 256,
        most_output: int | None = None, extra: dict[str, object] | None = None,
    ) -> None:  # fmt: skip
        http = DefaultAioHttpClient(verify=_certificates(), event_hooks={"response": [redirects.stay]})
        self._client = AsyncOpenAI(api_key=api_key, base_url=base_url, http_client=http)
        # Whatever is given with a request is not copied or joined anew for it.
        self._with_each: RequestOptions = {
            "headers": _UNSAID, "params": {}, "max_retries": 0,
            "timeout": httpx2.Timeout(idle_timeout, pool=None),
        }  # fmt: skip
        is_openai = _is_openai(str(self._client.base_url))
        options = Options(
            most_output=most_output,
            output_field="max_completion_tokens" if is_openai else "max_tokens",
            takes_cache_key=is_openai,
            extra=dict(extra or {}),
        )
        self._dialect = Dialect(api, options, is_openai=is_openai)
        self._idle_timeout = idle_timeout
        self._tries, self._first_wait, self._patience = tries, first_wait, patience
        self._at_once = at_once
        self._paces: dict[str, ConcurrencyLimiter] = {}
        self._passed_over: dict[str, float] = {}

    async def __aenter__(self) -> Endpoint:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.close()

    async def complete(
        self, request: ModelRequest, on_retry: OnRetry | None = None, on_text: OnText | None = None
    ) -> ModelReply:
        """One model turn. Raises a `ModelError` whose text can be shown to the person who waits.

        `request.model` may name several models with commas: a later one is asked when those before it are
        unavailable, unknown or out of credit.
        """
        *firsts, last = self._in_order([name.strip() for name in request.model.split(",")])
        for model in firsts:
            try:
                return await self._complete(replace(request, model=model), on_retry, on_text)
            except (ModelUnavailable, UnknownModel, QuotaExhausted, ToolsUnsupported) as error:
                self._passed_over[model] = asyncio.get_running_loop().time() + PASSED_OVER_SECONDS
                log.warning("model passed over", model=model, why=str(error))
        return await self._complete(replace(request, model=last), on_retry, on_text)

    def _in_order(self, models: list[str]) -> list[str]:
        """The models as they are to be tried: those that failed a moment ago come last."""
        now = asyncio.get_running_loop().time()
        return sorted(models, key=lambda model: self._passed_over.get(model, 0.0) > now)

    async def _complete(
        self, request: ModelRequest, on_retry: OnRetry | None, on_text: OnText | None
    ) -> ModelReply:
        pace = self._paces.setdefault(request.model, ConcurrencyLimiter(self._at_once))
        give_up = asyncio.get_running_loop().time() + self._patience
        number = 0
        while True:
            fault = await self._attempt(request, pace, on_text)
            if isinstance(fault, ModelReply):
                return fault
            wait = self._wait(number, fault)
            if fault.is_pace:
                pace.slow_down(wait)
            else:
                number += 1
            log.info("model retry", model=request.model, why=fault.why, wait=round(wait, 2), attempt=number)
            if number == self._tries or asyncio.get_running_loop().time() + wait > give_up:
                raise faults.given_up(fault.why, number)
            if on_retry is not None:
                on_retry(fault.why, wait)
            await asyncio.sleep(wait)

    async def _attempt(
        self, request: ModelRequest, pace: ConcurrencyLimiter, on_text: OnText | None
    ) -> ModelReply | faults.Passing:
        """One request, or more where one taught us the API. Raises what no further try can change."""
        wire = self._dialect.wire
        body = self._dialect.body(wire, request)
        async with pace.place():
            try:
                reply = replace(await self._fetch(wire, body, on_text), model=request.model)
            except Exception as error:
                if not faults.is_the_endpoints(error):
                    raise
                if not self._dialect.learns_from(error, wire, request.model, body):
                    fault = faults.read(error, request.model)
                    if isinstance(fault, ModelError):
                        log.warning("model refused", model=request.model, detail=fault.detail)
                        raise fault from error
                    return fault
            else:
                pace.went_well()
                return reply
        return await self._attempt(request, pace, on_text)

    async def _fetch(self, wire: Wire, body: Json, on_text: OnText | None) -> ModelReply:
        assembler = wire.assembler()
        telling = _Telling(assembler, on_text)
        try:
            async with asyncio.timeout(self._idle_timeout) as idle:
                patience = _Patience(idle, self._idle_timeout)
                async with aclosing(await self._post(wire, body)) as response:
                    reading = values(response.headers.get("content-type", ""))
                    async for piece in response.aiter_bytes():
                        for value in reading.feed(piece):
                            assembler.add(value)
                            patience.heard(assembler.lingers)
                        telling.tell()
                    for value in reading.finish():
                        assembler.add(value)
        except (TimeoutError, httpx2.TransportError):
            if assembler.lingers is None:  # a whole reply is one, however its connection ends
                raise
        reply = assembler.reply()
        telling.tell(last=True)
        return reply

    async def _post(self, wire: Wire, body: Json) -> httpx2.Response:
        """The response as it begins; its body is read as it comes."""
        response = await self._client.post(
            f"{self._client.base_url}{wire.path}",
            cast_to=httpx2.Response,
            body=body,
            options=self._with_each,
            stream=True,
            stream_cls=AsyncStream[object],
        )
        return cast("httpx2.Response", response)

    def _wait(self, number: int, fault: faults.Passing) -> float:
        if fault.wait is not None:
            return min(max(fault.wait, 0.0), faults.LONGEST_WAIT) + random.uniform(0, self._first_wait)
        wait: float = self._first_wait * 2**number * random.uniform(0.5, 1.5)
        return min(wait, faults.LONGEST_WAIT)


class _Telling:
    """Tells somebody what a reply says, as it grows."""

    def __init__(self, assembler: Assembler, on_text: OnText | None) -> None:
        self._assembler = assembler
        self._on_text = on_text
        self._told = 0

    def tell(self, *, last: bool = False) -> None:
        said = self._assembler.said
        if self._on_text is not None and said > self._told * (1 if last else _GROWN):
            self._told = said
            self._on_text(self._assembler.text)


class _Patience:
    """Puts off the moment at which a silent stream is given up."""

    def __init__(self, idle: asyncio.Timeout, seconds: float) -> None:
        self._idle = idle
        self._seconds = seconds
        self._now = asyncio.get_running_loop().time
        self._heard = self._now()
        self._lingers: float | None = None

    def heard(self, lingers: float | None) -> None:
        """A value has come; `lingers` is set when the reply is whole."""
        now = self._now()
        if lingers != self._lingers:
            self._lingers = lingers
            self._idle.reschedule(now + min(lingers or self._seconds, self._seconds))
        elif lingers is None and now - self._heard > self._seconds / 100:  # for each value it would cost more
            self._heard = now
            self._idle.reschedule(now + self._seconds)


def _is_openai(base_url: str) -> bool:
    host = urlsplit(base_url).hostname or ""
    return any(host.endswith(known) if known[0] == "." else host == known for known in _OPENAI_HOSTS)


@cache
def _certificates() -> ssl.SSLContext:
    """The trusted certificates, read once for all clients: it takes a tenth of a second."""
    return httpx2.create_ssl_context()
