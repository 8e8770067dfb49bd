"""What programs may reach on the network, from the settings and the tools file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import structlog

from bot.factories.team_tools import read_tools_file
from bot.observability.metrics import EgressMetrics
from bot.settings import Settings
from sandbox.egress.allow_list import WEB_PORTS, AllowEntry, AllowList
from sandbox.egress.policy import Credential, EgressLimits, EgressPolicy, EgressRequest
from tasks.task import Task

audit = structlog.get_logger("audit")

_HTTPS = 443
#: Separates a secret from the rest of its header: `Bearer …`, `Token token="…"`.
_AROUND_SECRETS = re.compile(r"[\s,;=\"]+")
_SHORTEST_SECRET = 8


@dataclass(frozen=True, slots=True)
class HostSettings:
    """What the tools file says about hosts."""

    credentials: Mapping[tuple[str, int], Credential] = field(default_factory=dict)
    """By host and port."""
    asks: frozenset[str] = frozenset()
    """Hosts that a person has to allow first."""


def load_host_settings(settings: Settings) -> HostSettings:
    """Read the hosts of the tools file. Raises `ToolConfigError`, as for its other parts."""
    credentials: dict[tuple[str, int], Credential] = {}
    asks = set[str]()
    for host, terms in read_tools_file(settings).hosts.items():
        entry = AllowEntry.parse(host)
        if terms.headers:
            port = _HTTPS if entry.ports == WEB_PORTS else entry.ports[0]
            credentials[entry.host, port] = Credential(terms.headers, _secrets(terms.headers))
        if terms.ask_first:
            asks.add(entry.host)
    return HostSettings(credentials, frozenset(asks))


def make_egress(settings: Settings, task: Task, hosts: HostSettings, metrics: EgressMetrics) -> EgressPolicy:
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
    allow = AllowList.parse(settings.sandbox_egress)
    allow = replace(allow, asks=frozenset(filter(allow.names, hosts.asks)))
    return EgressPolicy(allow, hosts.credentials, limits, report)


def _secrets(headers: Mapping[str, str]) -> tuple[str, ...]:
    """What to mask in responses: the values, and their parts that are long enough to be a secret."""
    parts = [part for value in headers.values() for part in _AROUND_SECRETS.split(value)]
    return (*headers.values(), *(part for part in parts if len(part) >= _SHORTEST_SECRET))
