"""The metrics at `/metrics`, in the Prometheus format. `bot.observability.instrumentation` updates them.

`handoff_tasks`, `handoff_tasks_quarantined` and `handoff_queue_age_seconds` cover the whole database: take
their maximum over the processes. All others cover one process: add them up. No metric contains text that
people wrote.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from http import HTTPStatus

import structlog
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    generate_latest,
)

from agents.conversation import TokenUsage
from bot.release import version
from sandbox.egress.policy import EgressRequest
from sandbox.job import Run, Status
from tasks.store.queries import TaskCounts
from tasks.store.retry import DATABASE_ERRORS, describe_outage

log = structlog.get_logger(__name__)

CONTENT_TYPE = CONTENT_TYPE_LATEST
#: Seconds that reading one metric may take. Prometheus gives up after ten.
PATIENCE = 3.0
#: Upper bounds in seconds: a first sign is due within one, and a container within a minute.
_QUICK = (0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60)
#: The same for models and programs, which may take minutes.
_LONG = (0.5, 1, 2, 5, 10, 20, 40, 90, 180, 600)
ReadCounts = Callable[[], Awaitable[TaskCounts]]


class ModelMetrics:
    """Model turns."""

    def __init__(self, registry: CollectorRegistry) -> None:
        # fmt: off
        self._turns = Counter("handoff_model_turns", "Turns by how they ended.",
                              ["model", "outcome"], registry=registry)
        self._seconds = Histogram("handoff_model_turn_seconds", "A whole turn, waits and retries included.",
                                  ["model"], buckets=_LONG, registry=registry)
        self._tokens = Counter("handoff_model_tokens", "Tokens; those that were cached are input too.",
                               ["model", "kind"], registry=registry)
        self._cost = Counter("handoff_model_cost_usd", "Cost, where the model's price is known.",
                             ["model"], registry=registry)
        # fmt: on

    def answered(self, model: str, usage: TokenUsage, cost: float | None, seconds: float) -> None:
        self._turns.labels(model, "answered").inc()
        self._seconds.labels(model).observe(seconds)
        for kind in ("input", "output", "cached"):
            self._tokens.labels(model, kind).inc(getattr(usage, kind))
        if cost is not None:
            self._cost.labels(model).inc(cost)

    def failed(self, model: str, error: str) -> None:
        """`error` is the name of the error's class."""
        self._turns.labels(model, error).inc()


class SandboxMetrics:
    """Programs in the sandbox."""

    def __init__(self, registry: CollectorRegistry) -> None:
        # fmt: off
        self._runs = Counter("handoff_sandbox_runs", "Programs by how they ended.",
                             ["status"], registry=registry)
        for status in Status:
            self._runs.labels(status.value)  # a first failure is a rise only where there was a 0
        self._seconds = Histogram("handoff_sandbox_run_seconds", "A program's own time.",
                                  buckets=_LONG, registry=registry)
        self._waits = Histogram("handoff_sandbox_wait_seconds",
                                "A run beyond its program: a free container, files in and out.",
                                buckets=_QUICK, registry=registry)
        self.idle = Gauge("handoff_sandbox_idle", "Containers that wait for a program.", registry=registry)
        # fmt: on

    def ran(self, run: Run, *, whole: float) -> None:
        """`whole` is in seconds, from the call to the result."""
        self._runs.labels(run.status.value).inc()
        self._seconds.observe(run.seconds)
        self._waits.observe(max(0.0, whole - run.seconds))


class EgressMetrics:
    """Requests of programs on the network."""

    def __init__(self, registry: CollectorRegistry) -> None:
        # fmt: off
        self._requests = Counter("handoff_egress_requests", "Requests of programs by how they ended.",
                                 ["outcome"], registry=registry)
        for outcome in ("reached", "refused", "failed"):
            self._requests.labels(outcome)
        self._bytes = Counter("handoff_egress_bytes", "Bytes that programs sent and received.",
                              ["direction"], registry=registry)
        # fmt: on
        for direction in ("sent", "received"):
            self._bytes.labels(direction)

    def ended(self, request: EgressRequest) -> None:
        outcome = "refused" if request.status == HTTPStatus.FORBIDDEN and request.refusal else "failed"
        self._requests.labels(outcome if request.refusal else "reached").inc()
        self._bytes.labels("sent").inc(request.sent)
        self._bytes.labels("received").inc(request.received)


class SlackMetrics:
    """Calls to Slack, and connections."""

    def __init__(self, registry: CollectorRegistry) -> None:
        # fmt: off
        self._calls = Counter("handoff_slack_calls", "Calls of the Web API by HTTP status.",
                              ["method", "status"], registry=registry)
        self._seconds = Histogram("handoff_slack_call_seconds", "One call of the Web API.",
                                  ["method"], buckets=_QUICK, registry=registry)
        self._limited = Counter("handoff_slack_rate_limited", "Calls that Slack refused for their rate.",
                                ["method"], registry=registry)
        self._signs = Histogram("handoff_first_sign_seconds", "From a message's own time to its first sign.",
                                buckets=_QUICK, registry=registry)
        self._ages = Gauge("handoff_slack_socket_age_seconds", "How long each open connection is up.",
                           ["connection"], registry=registry)
        # fmt: on

    def called(self, method: str, status: str, seconds: float) -> None:
        """`status` is the HTTP status, or `broken` without a reply."""
        self._calls.labels(method, status).inc()
        self._seconds.labels(method).observe(seconds)
        if status == "429":
            self._limited.labels(method).inc()

    def signed(self, seconds: float) -> None:
        self._signs.observe(max(0.0, seconds))

    def connections(self, ages: Mapping[int, float]) -> None:
        """Seconds since each open connection was opened, by its number."""
        self._ages.clear()
        for number, age in ages.items():
            self._ages.labels(str(number)).set(age)


class TaskMetrics:
    """Tasks of the whole database by state."""

    def __init__(self, registry: CollectorRegistry) -> None:
        # fmt: off
        self._tasks = Gauge("handoff_tasks", "Tasks in the database.", ["state"], registry=registry)
        self._queue_age = Gauge("handoff_queue_age_seconds", "The longest wait for a task's first begin.",
                                registry=registry)
        self._quarantined = Gauge("handoff_tasks_quarantined",
                                  "Tasks quarantined in 24 hours: processes died by them.",
                                  registry=registry)
        self._ratings = Gauge("handoff_ratings", "People's ratings of answers in the database.",
                              ["rating"], registry=registry)
        self.running = Gauge("handoff_tasks_running", "Tasks at work in this process.", registry=registry)
        # fmt: on

    def set_counts(self, counts: TaskCounts | None) -> None:
        """None when they could not be read: no value is better than an outdated one."""
        self._tasks.clear()
        self._ratings.clear()
        self._queue_age.set(float("nan") if counts is None else counts.queue_age)
        self._quarantined.set(float("nan") if counts is None else counts.quarantined)
        for state, count in counts.by_state.items() if counts else ():
            self._tasks.labels(state.value).set(count)
        for rating, count in counts.ratings.items() if counts else ():
            self._ratings.labels(rating).set(count)


class Metrics:
    """All metrics of one process. Each page reads `counts`, `ages` and `missing`."""

    def __init__(self) -> None:
        self._registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        Gauge("handoff_info", "Always 1.", ["version"], registry=registry).labels(version()).set(1)
        self._ready = Gauge("handoff_ready", "1 when nothing is missing, as /readyz says.", registry=registry)
        self.model = ModelMetrics(registry)
        self.sandbox = SandboxMetrics(registry)
        self.egress = EgressMetrics(registry)
        self.slack = SlackMetrics(registry)
        self.tasks = TaskMetrics(registry)
        self.counts: ReadCounts | None = None
        self.ages: Callable[[], Mapping[int, float]] = dict
        self.missing: Callable[[], Awaitable[Sequence[str]]] | None = None

    async def page(self) -> bytes:
        """All metrics as text; those that can't be read are left out."""
        if self.counts is not None:
            self.tasks.set_counts(await _read(self.counts))
        if self.missing is not None:
            missing = await self.missing()
            self._ready.set(not missing)
        self.slack.connections(self.ages())
        return generate_latest(self._registry)

    @property
    def names(self) -> set[str]:
        """The names of all samples."""
        return {sample for family in self._registry.collect() for sample in _names(family.name, family.type)}


async def _read(counts: ReadCounts) -> TaskCounts | None:
    try:
        async with asyncio.timeout(PATIENCE):
            return await counts()
    except DATABASE_ERRORS as error:
        log.warning("task metrics not read", why=describe_outage(error) or str(error))
        return None


def _names(name: str, kind: str) -> tuple[str, ...]:
    if kind == "histogram":
        return (f"{name}_bucket", f"{name}_sum", f"{name}_count")
    return (f"{name}_total",) if kind == "counter" else (name,)
