"""The model endpoint, the sandbox and Slack's HTTP session, instrumented with metrics."""

from __future__ import annotations

import time
from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any

import aiohttp

from agents.conversation import ModelReply
from agents.errors import ModelError
from agents.model.concurrency import Pause
from agents.model.endpoint import Endpoint, OnRetry, OnText
from agents.model.prices import Prices
from agents.model.wire import ModelRequest
from bot.observability.metrics import ModelMetrics, SandboxMetrics, SlackMetrics
from sandbox.job import Job, Run
from sandbox.sandbox import Sandbox


class InstrumentedEndpoint(Endpoint):
    """An endpoint that counts turns, tokens and cost."""

    def __init__(self, metrics: ModelMetrics, prices: Prices, **settings: Any) -> None:
        super().__init__(**settings)
        self._metrics = metrics
        self._prices = prices

    async def complete(
        self, request: ModelRequest, on_retry: OnRetry | None = None, on_text: OnText | None = None,
        pause: Pause = nullcontext,
    ) -> ModelReply:  # fmt: skip
        began = time.monotonic()
        try:
            reply = await super().complete(request, on_retry, on_text, pause)
        except ModelError as error:
            self._metrics.failed(request.model, type(error).__name__)
            raise
        model = reply.model or request.model
        cost = self._prices.cost(model, reply.usage, reply.served)
        self._metrics.answered(model, reply.usage, cost, time.monotonic() - began)
        return reply


class InstrumentedSandbox(Sandbox):
    """A sandbox that counts runs and waits."""

    def __init__(self, metrics: SandboxMetrics, *limits: Any, **settings: Any) -> None:
        super().__init__(*limits, **settings)
        self._metrics = metrics

    async def run(self, job: Job, **listeners: Any) -> Run:
        began = time.monotonic()
        run = await super().run(job, **listeners)
        self._metrics.ran(run, whole=time.monotonic() - began)
        return run


def trace_slack_calls(metrics: SlackMetrics, api_url: str) -> aiohttp.TraceConfig:
    """A trace for an aiohttp session that counts its requests below `api_url`."""

    async def begin(_: aiohttp.ClientSession, context: SimpleNamespace, __: object) -> None:
        context.began = time.monotonic()

    async def end(
        _: aiohttp.ClientSession, context: SimpleNamespace, done: aiohttp.TraceRequestEndParams
    ) -> None:
        record(str(done.url), str(done.response.status), context)

    async def broken(
        _: aiohttp.ClientSession, context: SimpleNamespace, done: aiohttp.TraceRequestExceptionParams
    ) -> None:
        record(str(done.url), "broken", context)

    def record(url: str, status: str, context: SimpleNamespace) -> None:
        if url.startswith(api_url):
            method = url.removeprefix(api_url).partition("?")[0]
            metrics.called(method, status, time.monotonic() - context.began)

    trace = aiohttp.TraceConfig()
    trace.on_request_start.append(begin)
    trace.on_request_end.append(end)
    trace.on_request_exception.append(broken)
    return trace
