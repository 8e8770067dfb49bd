"""Agent sessions: one per thread, with Slack's own status and Stop button."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

SessionStatus = Literal["active", "processing", "suspended", "closed", ""]


@dataclass(frozen=True, slots=True)
class Session:
    """What a thread shows above its composer.

    `text` is the status line of `assistant.threads.setStatus`, which an app can set in a thread without a
    session (`status` is then empty).
    """

    channel: str
    thread_ts: str
    status: SessionStatus = ""
    title: str = ""
    text: str = ""
    initiator: str | None = None
    can_stop: bool = False
