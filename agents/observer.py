"""Callbacks for the progress of an agent that people watch."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from agents.budget import Meter
from agents.conversation import ModelReply
from agents.model.endpoint import OnRetry, OnText


@dataclass(frozen=True, slots=True, kw_only=True)
class Observer:
    """Callbacks for progress that people watch."""

    on_reply: Callable[[ModelReply], None]
    on_retry: OnRetry
    on_wait: Callable[[bool], None] = lambda _: None
    """Whether the request waits for others to the same model."""
    on_follow_up: Callable[[str], None] = lambda _: None
    on_text: OnText | None = None


@dataclass(slots=True)
class Waits:
    """The waits of one request, each with its reason. A retry's own reason says more."""

    watcher: Observer
    meter: Meter
    has_reason: bool = False

    def on_retry(self, why: str, seconds: float) -> None:
        self.has_reason = True
        self.watcher.on_retry(why, seconds)

    @contextmanager
    def pause(self) -> Iterator[None]:
        with self.meter.wait():
            if not self.has_reason:
                self.watcher.on_wait(True)
            yield
        if not self.has_reason:
            self.watcher.on_wait(False)
