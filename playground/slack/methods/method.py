"""What a Web API method is: its name, its code, how often it may be called and what it asks of a token."""

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
    """`run` gives the answer beside `ok`, or raises Refused. `scope` is None where arguments decide it."""

    name: str
    run: Run
    tier: Tier
    scope: str | None = None
    token: TokenKind = "bot"
