"""users.info and users.list."""

from __future__ import annotations

from playground.slack.arguments import Arguments
from playground.slack.methods.method import Method
from playground.slack.methods.pages import metadata, page
from playground.slack.rates import Tier
from playground.slack.workspace import SlackWorkspace
from playground.slack.world import Json


def info(slack: SlackWorkspace, arguments: Arguments) -> Json:
    return {"user": slack.shapes.user(slack.directory.user(arguments.text("user")))}


def list_users(slack: SlackWorkspace, arguments: Arguments) -> Json:
    shown, cursor = page(tuple(slack.state.users.values()), arguments, default=1000, most=1000)
    return {"members": [slack.shapes.user(user) for user in shown]} | metadata(cursor)


METHODS = (
    Method("users.info", info, Tier.TIER_4, "users:read"),
    Method("users.list", list_users, Tier.TIER_2, "users:read"),
)
