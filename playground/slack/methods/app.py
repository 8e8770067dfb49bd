"""The app itself: auth.test, apps.connections.open, api.test, bots.info, team.info."""

from __future__ import annotations

from playground.slack.arguments import Arguments
from playground.slack.blocks import check_blocks
from playground.slack.errors import Refused
from playground.slack.methods.method import Method
from playground.slack.rates import Tier
from playground.slack.workspace import SlackWorkspace
from playground.slack.world import Json


def test_auth(slack: SlackWorkspace, arguments: Arguments) -> Json:
    world = slack.state.world
    return {
        "url": f"{slack.shapes.base_url}/",
        "team": world.team.name,
        "user": world.bot.name,
        "team_id": world.team.id,
        "user_id": world.bot.id,
        "bot_id": world.bot.bot_id,
        "is_enterprise_install": False,
    }


def open_connection(slack: SlackWorkspace, arguments: Arguments) -> Json:
    address = slack.shapes.base_url.replace("http", "ws", 1)
    app_id = slack.state.world.app_id
    return {"url": f"{address}/link/?ticket={slack.sockets.new_ticket()}&app_id={app_id}"}


def test_api(slack: SlackWorkspace, arguments: Arguments) -> Json:
    error = arguments.maybe_text("error")
    if error:
        raise Refused(error)
    return {"args": dict(arguments.values)}


def bot_info(slack: SlackWorkspace, arguments: Arguments) -> Json:
    world = slack.state.world
    if arguments.maybe_text("bot") not in (None, world.bot.bot_id):
        raise Refused("bot_not_found")
    return {
        "bot": {
            "id": world.bot.bot_id,
            "deleted": False,
            "name": world.bot.real_name,
            "updated": 1_600_000_000,
            "app_id": world.app_id,
            "user_id": world.bot.id,
            "icons": {},
        }
    }


def team_info(slack: SlackWorkspace, arguments: Arguments) -> Json:
    team = slack.state.world.team
    return {
        "team": {
            "id": team.id,
            "name": team.name,
            "domain": team.domain,
            "url": f"{slack.shapes.base_url}/",
            "email_domain": "",
            "icon": {},
        }
    }


def validate_blocks(slack: SlackWorkspace, arguments: Arguments) -> Json:
    check_blocks(arguments.json("blocks", "invalid_blocks_format"))
    return {}


METHODS = (
    Method("blocks.validate", validate_blocks, Tier.TIER_4),
    Method("auth.test", test_auth, Tier.SPECIAL),
    Method("apps.connections.open", open_connection, Tier.TIER_3, token="app"),
    Method("api.test", test_api, Tier.TIER_4, token="none"),
    Method("bots.info", bot_info, Tier.TIER_3, "users:read"),
    Method("team.info", team_info, Tier.TIER_3, "team:read"),
)
