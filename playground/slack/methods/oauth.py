"""oauth.v2.access, which exchanges a code for a token."""

from __future__ import annotations

from playground.slack.arguments import Arguments
from playground.slack.methods.method import Method
from playground.slack.rates import Tier
from playground.slack.workspace import SlackWorkspace
from playground.slack.world import Json


def exchange(slack: SlackWorkspace, arguments: Arguments) -> Json:
    return slack.installs.exchange(
        arguments.maybe_text("client_id") or "",
        arguments.maybe_text("client_secret") or "",
        arguments.maybe_text("code") or "",
    )


METHODS = (Method("oauth.v2.access", exchange, Tier.TIER_4, token="none"),)
