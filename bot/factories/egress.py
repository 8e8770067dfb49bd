"""What programs may reach on the network, from the settings and the tools file."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

import structlog

from agents.tools.tools_file import load_tools_file
from bot.observability.metrics import EgressMetrics
from bot.settings import Settings
from sandbox.egress.allow_list import WEB_PORTS, AllowEntry, AllowList
from sandbox.egress.policy import Credential, EgressLimits, EgressPolicy, EgressRequest
from tasks.task import Task

audit = structlog.get_logger("audit")

Credentials = Mapping[tuple[str, int], Credential]
_HTTPS = 443
#: Separates a secret from the rest of its header: `Bearer …`, `Token token="…"`.
_AROUND_SECRETS = re.compile(r"[\s,;=\"]+")
_SHORTEST_SECRET = 8


def make_credentials(settings: Settings) -> Credentials:
    """The headers of the tools file by host and port. Raises `ToolConfigError`, as for its other parts."""
    if settings.tools_file is None:
        return {}
    found: dict[tuple[str, int], Credential] = {}
    for host, added in load_tools_file(settings.tools_file, os.environ).hosts.items():
        entry = AllowEntry.parse(host)
        port = _HTTPS if entry.ports == WEB_PORTS else entry.ports[0]
        found[entry.host, port] = Credential(added.headers, _secrets(added.headers))
    return found


def make_egress(
    settings: Settings, task: Task, credentials: Credentials, metrics: EgressMetrics
) -> EgressPolicy:
    """What the programs of a task may reach; `settings` are those of its channel."""

    def report(request: EgressRequest) -> None:
        metrics.ended(request)
        audit.info(
            "request", team=task.thread.team, channel=task.thread.channel, user=task.user, task=task.id,
            host=request.host, port=request.port, method=request.method, status=request.status,
            sent=request.sent, received=request.received, refused=bool(request.refusal),
        )  # fmt: skip

    limits = EgressLimits(
        requests=settings.limit_egress_requests,
        mb=settings.limit_egress_mb,
        seconds=settings.limit_egress_seconds,
    )
    return EgressPolicy(AllowList.parse(settings.sandbox_egress), credentials, limits, report)


def _secrets(headers: Mapping[str, str]) -> tuple[str, ...]:
    """What to mask in responses: the values, and their parts that are long enough to be a secret."""
    parts = [part for value in headers.values() for part in _AROUND_SECRETS.split(value)]
    return (*headers.values(), *(part for part in parts if len(part) >= _SHORTEST_SECRET))
