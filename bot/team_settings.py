"""Settings of what a team adds: tools of its own, and a collector for traces."""

from __future__ import annotations

from pydantic import Field

from bot.setting_group import SettingGroup
from bot.setting_kinds import Folder, TraceUrl


class TeamSettings(SettingGroup):
    """Your own tools and traces"""

    tools_file: Folder | None = None
    """JSON file of MCP servers, and of the terms on which workers may call tools: see `docs/extend.md`."""
    trace_endpoint: TraceUrl | None = Field(default=None, validation_alias="OTEL_EXPORTER_OTLP_ENDPOINT")
    """Base URL of an OpenTelemetry collector (OTLP over HTTP). Empty: no traces."""
    trace_content: bool = False
    """Whether traces hold what people, models and tools said, and not only how long it took."""
