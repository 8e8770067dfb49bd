"""Spans on their way to an OpenTelemetry collector, as OTLP over HTTP, in a thread of their own.

Imported only where a collector is set: the packages are the extra `tracing`. A collector that is away costs
its spans and nothing else.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.trace import Span as Recorded
from opentelemetry.trace import SpanKind, Status, StatusCode

from agents import tracing
from agents.errors import Parked
from agents.tracing import Value

#: Seconds that the collector may take for one batch, and all that is left of them at the end.
PATIENCE = 5.0


class Collector:
    """Makes spans and sends them (an `agents.tracing.Tracer`)."""

    def __init__(self, provider: TracerProvider, *, model_provider: str, takes_content: bool) -> None:
        self.provider = model_provider
        self.takes_content = takes_content
        self._tracer = provider.get_tracer("handoff")

    @contextmanager
    def span(
        self, name: str, attributes: Mapping[str, Value], *, calls_out: bool = False
    ) -> Iterator[tracing.Span]:
        kind = SpanKind.CLIENT if calls_out else SpanKind.INTERNAL
        with self._tracer.start_as_current_span(
            name, kind=kind, attributes=dict(attributes),
            record_exception=False, set_status_on_exception=False,
        ) as span:  # fmt: skip
            try:
                yield _Recorded(span)
            except Parked:
                span.set_attribute("handoff.parked", True)
                raise
            except BaseException as error:
                # The kind alone: an error's words may be somebody's.
                span.set_attribute("error.type", type(error).__name__)
                span.set_status(Status(StatusCode.ERROR))
                raise


class _Recorded:
    def __init__(self, span: Recorded) -> None:
        self._span = span

    def set(self, attributes: Mapping[str, Value]) -> None:
        self._span.set_attributes(dict(attributes))


class _TaskIds(RandomIdGenerator):
    """A task's trace has the task's own id, so that its runs before and after a restart are one trace."""

    def generate_trace_id(self) -> int:
        here = tracing.trace_here.get()
        return int(here, 16) if here else super().generate_trace_id()


@asynccontextmanager
async def collector(
    endpoint: str, *, model_provider: str, version: str, takes_content: bool = False
) -> AsyncIterator[Collector]:
    """Spans to the collector at `endpoint`, its base URL. What is left at the end is sent before this
    returns, for so long as the collector's patience lasts."""
    resource = Resource.create({"service.name": "handoff", "service.version": version})
    provider = TracerProvider(resource=resource, id_generator=_TaskIds(), shutdown_on_exit=False)
    exporter = OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces", timeout=PATIENCE)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    try:
        yield Collector(provider, model_provider=model_provider, takes_content=takes_content)
    finally:
        await asyncio.to_thread(provider.shutdown)
