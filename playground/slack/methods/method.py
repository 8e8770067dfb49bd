"""A Web API method: its name, code, rate tier and required scope."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from playground.slack.arguments import Arguments
from playground.slack.credentials import TokenKind
from playground.slack.rates import Tier
from playground.slack.workspace import SlackWorkspace
from playground.slack.world import Json

Run = Callable[[SlackWorkspace, Arguments], Json]


@dataclass(frozen=True, slots=True)
class Method:
    """`run` returns the answer beside `ok`, or raises Refused.

    `scope` is None if it depends on the arguments.
    """

    name: str
    run: Run
    tier: Tier
    scope: str | None = None
    token: TokenKind = "bot"
