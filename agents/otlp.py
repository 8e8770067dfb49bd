"""Exports spans to an OpenTelemetry collector, as OTLP over HTTP, in a thread of its own.

Imported only where a collector is set: the packages are the extra `tracing`. While the collector is away its
spans are lost, and nothing else.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator

from agents.tracing import Tracing, root_trace

#: Seconds for the export of one batch, and of all that is left at the end.
EXPORT_SECONDS = 5.0


class _TaskIds(RandomIdGenerator):
    """Gives a task's trace the task's own id, so that its runs before and after a restart are one trace."""

    def generate_trace_id(self) -> int:
        trace = root_trace.get()
        return int(trace, 16) if trace else super().generate_trace_id()


@asynccontextmanager
async def otlp_tracing(
    endpoint: str, *, model_provider: str, version: str, takes_content: bool = False
) -> AsyncIterator[Tracing]:
    """Tracing to the collector at `endpoint`, its base URL. On leaving, the remaining spans are sent."""
    resource = Resource.create({"service.name": "handoff", "service.version": version})
    provider = TracerProvider(resource=resource, id_generator=_TaskIds(), shutdown_on_exit=False)
    exporter = OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces", timeout=EXPORT_SECONDS)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    try:
        yield Tracing(provider.get_tracer("handoff"), model_provider, takes_content=takes_content)
    finally:
        await asyncio.to_thread(provider.shutdown)
