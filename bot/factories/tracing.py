"""Tracing from the settings."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.util import find_spec
from urllib.parse import urlsplit

from agents.tracing import NO_TRACING, Tracing
from bot.release import version
from bot.settings import Settings

#: OpenTelemetry's provider names by the end of the host's name; other providers are named by their host.
_PROVIDERS = {
    "api.openai.com": "openai",
    ".openai.azure.com": "azure.ai.openai",
    "api.deepseek.com": "deepseek",
    "googleapis.com": "gcp.gemini",
    "api.anthropic.com": "anthropic",
}
_NO_TRACING = (
    "OTEL_EXPORTER_OTLP_ENDPOINT is set, and the packages for it are not installed. "
    "Install Handoff with them: pip install 'handoff[tracing]'."
)


def trace_problems(settings: Settings) -> tuple[str, ...]:
    """Why traces can't be sent, in a sentence."""
    return (_NO_TRACING,) if settings.trace_endpoint and not _can_export() else ()


def _can_export() -> bool:
    try:
        return find_spec("opentelemetry.exporter.otlp.proto.http") is not None
    except ModuleNotFoundError:  # of a package above it
        return False


@asynccontextmanager
async def make_tracing(settings: Settings) -> AsyncIterator[Tracing]:
    """Tracing to the collector of the settings; without one, the SDK is not imported."""
    if settings.trace_endpoint is None:
        yield NO_TRACING
        return
    from agents.otlp import otlp_tracing

    async with otlp_tracing(
        settings.trace_endpoint, model_provider=_provider(settings.openai_base_url), version=version(),
        takes_content=settings.trace_content,
    ) as tracing:  # fmt: skip
        yield tracing


def _provider(base_url: str | None) -> str:
    host = urlsplit(base_url or "https://api.openai.com").hostname or "openai"
    return next((name for end, name in _PROVIDERS.items() if host.endswith(end)), host)
