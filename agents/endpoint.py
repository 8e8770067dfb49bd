"""The model service: one client for the whole process, the API it speaks, and patience with it.

Requests go out by the client's public `post` without its typed layer, which walks the whole history on each
call (76 ms at 400 messages against 1 ms, see `benchmarks/`) and drops fields that vendors demand back.
Never decides what to say: that is `agents.loop`.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from types import TracebackType
from urllib.parse import urlsplit

import openai
import structlog
from openai import AsyncOpenAI, AsyncStream, DefaultAioHttpClient

from agents import faults
from agents.conversation import Reply
from agents.errors import ModelError
from agents.wire import CutStream, Request, Wire
from agents.wire.chat import ChatWire
from agents.wire.responses import ResponsesWire

log = structlog.get_logger(__name__)

#: Hosts whose newest models refuse tools on Chat Completions.
_RESPONSES_HOSTS = ("api.openai.com", ".openai.azure.com")
OnRetry = Callable[[str, float], None]
#: Told what a reply says so far, as it grows; a try that is repeated begins again.
OnText = Callable[[str], None]


class Endpoint:
    """Asks one OpenAI-compatible service for model turns.

    `api` is `chat`, `responses` or `auto`: auto picks by host and, once, by what the service refuses.
    `idle_timeout` bounds the seconds between two pieces of a stream, not the whole reply. A turn is tried
    `tries` times; credentials, quota, context and unknown models are never tried again.
    """

    def __init__(
        self,
        *,
        api_key: str,
        base_url: str | None = None,
        api: str = "auto",
        idle_timeout: float = 90.0,
        tries: int = 5,
        first_wait: float = 0.5,
        at_once: int = 64,
    ) -> None:
        self._client = AsyncOpenAI(
            api_key=api_key, base_url=base_url, max_retries=0, http_client=DefaultAioHttpClient()
        )
        self._wires: list[Wire] = [ChatWire(), ResponsesWire()]
        if api == "responses" or (api == "auto" and _speaks_responses(str(self._client.base_url))):
            self._wires.reverse()
        self._may_learn = api == "auto"
        self._idle_timeout = idle_timeout
        self._tries = tries
        self._first_wait = first_wait
        self._slots = asyncio.Semaphore(at_once)

    async def __aenter__(self) -> Endpoint:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.close()

    async def ask(
        self, request: Request, on_retry: OnRetry | None = None, on_text: OnText | None = None
    ) -> Reply:
        """One model turn. Raises a `ModelError` whose text can be shown to the person who waits."""
        why = ""
        for number in range(self._tries):
            try:
                async with self._slots:
                    return await self._try(request, on_text)
            except (openai.APIError, CutStream, TimeoutError, ValueError) as error:
                if self._learns_from(error):
                    continue
                fault = faults.read(error, request.model)
            if isinstance(fault, ModelError):
                log.warning("model refused", model=request.model, detail=fault.detail)
                raise fault
            why = fault.why
            wait = self._wait(number, fault)
            log.info("model retry", model=request.model, why=why, wait=round(wait, 2), attempt=number + 1)
            if number + 1 < self._tries:
                if on_retry is not None:
                    on_retry(why, wait)
                await asyncio.sleep(wait)
        raise faults.given_up(why, self._tries)

    async def _try(self, request: Request, on_text: OnText | None) -> Reply:
        wire = self._wires[0]
        assembler = wire.assembler()
        async with asyncio.timeout(self._idle_timeout) as idle:
            stream: AsyncStream[object] = await self._client.post(
                wire.path,
                cast_to=object,
                body=wire.body(request),
                stream=True,
                stream_cls=AsyncStream[object],
            )
            async with stream:
                async for chunk in stream:
                    idle.reschedule(asyncio.get_running_loop().time() + self._idle_timeout)
                    before = len(assembler.text)
                    assembler.add(chunk)
                    if on_text is not None and len(assembler.text) != before:
                        on_text(assembler.text)
        return assembler.reply()

    def _learns_from(self, error: Exception) -> bool:
        """Switch to the other API when the service says that it wants it: once for the process."""
        if not self._may_learn or not isinstance(error, openai.APIStatusError):
            return False
        if self._wires[0].name == "chat":
            wants_other = error.status_code == 400 and "/v1/responses" in error.message
        else:
            wants_other = error.status_code in (404, 405) and "model" not in (error.code or "")
        if wants_other:
            self._may_learn = False
            self._wires.reverse()
            log.info("model api switched", api=self._wires[0].name, because=error.message)
        return wants_other

    def _wait(self, number: int, fault: faults.Passing) -> float:
        if fault.wait is not None:
            return min(max(fault.wait, 0.0), faults.LONGEST_WAIT) + random.uniform(0, self._first_wait)
        return float(self._first_wait * 2**number * random.uniform(0.5, 1.5))


def _speaks_responses(base_url: str) -> bool:
    host = urlsplit(base_url).hostname or ""
    return any(
        host == known or host.endswith(known)
        for known in _RESPONSES_HOSTS
        if known[0] == "." or host == known
    )
