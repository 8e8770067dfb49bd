"""What one task may do on the network, what it has used of it, and the record of each request."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Annotated

from pydantic import Field

from sandbox.egress.allow_list import AllowList
from sandbox.errors import EgressRefused
from sandbox.limits import MIB


@dataclass(frozen=True, slots=True, kw_only=True)
class EgressLimits:
    """What the programs of one task may use of the network. Each field is the setting
    `HANDOFF_LIMIT_EGRESS_<FIELD>`."""

    requests: Annotated[int, Field(ge=1, le=1_000_000)] = 1000
    """Requests that the programs of one task may make on the network; further ones are refused."""
    mb: Annotated[int, Field(ge=1, le=1_048_576)] = 1024
    """MiB that they may send and receive, together; then connections are cut."""
    seconds: Annotated[float, Field(ge=1, le=86_400)] = 900
    """Seconds that their requests may take, added up; then connections are cut."""


@dataclass(frozen=True, slots=True)
class Credential:
    """Headers that the broker adds to requests to one host, which it then sends by HTTPS."""

    headers: Mapping[str, str]
    secrets: tuple[str, ...]
    """What must not come back: it is masked in headers and bodies of responses."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EgressRequest:
    """One request of a program, as it ended."""

    host: str
    port: int
    method: str
    """`CONNECT` for HTTPS, of which the broker sees nothing else."""
    status: int = 0
    """Of the response; 0 when there was none."""
    sent: int = 0
    """Bytes of content to the host; of a tunnel, all bytes."""
    received: int = 0
    seconds: float = 0.0
    refusal: str = ""
    """Why it was not made, or cut."""


OnRequest = Callable[[EgressRequest], None]


@dataclass(frozen=True, slots=True)
class EgressPolicy:
    """The hosts that a task may reach, with the credentials of some."""

    allow: AllowList = field(default_factory=AllowList)
    credentials: Mapping[tuple[str, int], Credential] = field(default_factory=dict)
    """By host, in the form of `allow_list.normalized`, and port."""
    limits: EgressLimits = field(default_factory=EgressLimits)
    on_request: OnRequest = lambda _: None
    """Called with the record of each request as it ends."""


class EgressMeter:
    """What one task has used of its limits."""

    def __init__(self, limits: EgressLimits) -> None:
        self._limits = limits
        self._requests = 0
        self._bytes = 0
        self._seconds = 0.0

    def count_earlier(self, requests: int, size: int, seconds: float) -> None:
        """Count what the task has used before it was resumed."""
        self._requests += requests
        self._bytes += size
        self._seconds += seconds

    def begin(self) -> None:
        """Count a request; raises `EgressRefused` at a limit."""
        self._requests += 1
        most = self._limits.requests
        if self._requests > most:
            raise EgressRefused(f"This task has made its {most} requests on the network, the limit.")
        self.count(0)
        if self.seconds_left <= 0:
            raise EgressRefused(
                f"The requests of this task have taken {self._limits.seconds:g} s, the limit."
            )

    def count(self, size: int) -> None:
        """Count bytes; raises `EgressRefused` at the limit."""
        self._bytes += size
        if self._bytes > self._limits.mb * MIB:
            raise EgressRefused(
                f"The programs of this task have sent and received {self._limits.mb} MiB, the limit."
            )

    @property
    def seconds_left(self) -> float:
        return self._limits.seconds - self._seconds

    def took(self, seconds: float) -> None:
        self._seconds += seconds


class Exchange:
    """A request while it is made: counts into the task's meter and into its record."""

    def __init__(self, meter: EgressMeter, host: str, port: int, method: str) -> None:
        self.record = EgressRequest(host=host, port=port, method=method)
        self._meter = meter

    def sent(self, size: int) -> None:
        self.record = replace(self.record, sent=self.record.sent + size)
        self._meter.count(size)

    def received(self, size: int) -> None:
        self.record = replace(self.record, received=self.record.received + size)
        self._meter.count(size)

    def ended(self, status: int, refusal: str = "") -> None:
        """Note the response's status, and why the request was refused or cut."""
        self.record = replace(self.record, status=status, refusal=refusal)


@contextmanager
def recorded(exchange: Exchange, meter: EgressMeter, on_request: OnRequest) -> Iterator[None]:
    """Count the seconds of an exchange, and report its record at the end."""
    began = time.monotonic()
    try:
        yield
    finally:
        seconds = time.monotonic() - began
        meter.took(seconds)
        on_request(replace(exchange.record, seconds=round(seconds, 3)))
