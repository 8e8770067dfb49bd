"""A collector: takes OTLP over HTTP on loopback and keeps the spans it is sent."""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from aiohttp import web
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


@dataclass(frozen=True, slots=True)
class Seen:
    """One span as it arrived."""

    id: str
    parent: str
    trace: str
    name: str
    attributes: dict[str, Any]
    is_error: bool
    seconds: float


class OtlpCollector:
    """An async context manager: inside it, `endpoint` takes spans and `spans` has them."""

    def __init__(self) -> None:
        self.spans: list[Seen] = []
        self.resource: dict[str, Any] = {}
        self.endpoint = ""

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_post("/v1/traces", self._take)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        host, port = self._runner.addresses[0][:2]
        self.endpoint = f"http://{host}:{port}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._runner.cleanup()

    def named(self, name: str) -> list[Seen]:
        return [span for span in self.spans if span.name == name]

    def parent(self, span: Seen) -> Seen | None:
        return next((other for other in self.spans if other.id == span.parent), None)

    def path(self, span: Seen) -> str:
        """The names from the root to a span."""
        above = self.parent(span)
        return f"{self.path(above)} > {span.name}" if above else span.name

    async def _take(self, request: web.Request) -> web.Response:
        body = await request.read()
        if body[:2] == b"\x1f\x8b":
            body = gzip.decompress(body)
        sent = ExportTraceServiceRequest.FromString(body)
        for resource in sent.resource_spans:
            self.resource = _attributes(resource.resource.attributes)
            for scope in resource.scope_spans:
                self.spans += map(_seen, scope.spans)
        return web.Response(content_type="application/x-protobuf")


def _seen(span: Any) -> Seen:
    return Seen(
        id=span.span_id.hex(), parent=span.parent_span_id.hex(), trace=span.trace_id.hex(), name=span.name,
        attributes=_attributes(span.attributes), is_error=span.status.code == 2,
        seconds=(span.end_time_unix_nano - span.start_time_unix_nano) / 1e9,
    )  # fmt: skip


def _attributes(pairs: Any) -> dict[str, Any]:
    return {pair.key: _value(pair.value) for pair in pairs}


def _value(value: Any) -> Any:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [_value(item) for item in value.array_value.values]
    return getattr(value, kind)
