"""views.publish, open, push and update: App Home and modals."""

from __future__ import annotations

import secrets
import time

from playground.slack.arguments import Arguments
from playground.slack.blocks import MAX_VIEW_BLOCKS, check_blocks
from playground.slack.elements import check_text
from playground.slack.errors import Refused
from playground.slack.methods.method import Method
from playground.slack.rates import Tier
from playground.slack.workspace import SlackWorkspace
from playground.slack.world import Json

MAX_TITLE = 24
MAX_PRIVATE_METADATA = 3000


def publish(slack: SlackWorkspace, arguments: Arguments) -> Json:
    user = slack.directory.user(arguments.text("user_id"))
    if user.is_bot:
        raise Refused("user_not_found")
    known = slack.state.homes.get(user.id)
    _check_hash(known, arguments)
    view = _read_view(slack, arguments, "home", known)
    slack.state.put_home(user.id, view)
    return {"view": view}


def open_modal(slack: SlackWorkspace, arguments: Arguments) -> Json:
    view = _read_view(slack, arguments, "modal", None)
    user = slack.triggers.use(arguments.text("trigger_id"))
    slack.state.put_modal(user, view)
    return {"view": view}


def update(slack: SlackWorkspace, arguments: Arguments) -> Json:
    user, known = _known(slack, arguments)
    _check_hash(known, arguments)
    view = _read_view(slack, arguments, known["type"], known)
    if known["type"] == "home":
        slack.state.put_home(user, view)
    else:
        slack.state.put_modal(user, view)
    return {"view": view}


def _known(slack: SlackWorkspace, arguments: Arguments) -> tuple[str, Json]:
    view_id, external_id = arguments.maybe_text("view_id"), arguments.maybe_text("external_id")
    for user, view in (*slack.state.modals.items(), *slack.state.homes.items()):
        if (view_id and view["id"] == view_id) or (external_id and view["external_id"] == external_id):
            return user, view
    raise Refused("not_found")


def _check_hash(known: Json | None, arguments: Arguments) -> None:
    if known is not None and arguments.maybe_text("hash") not in (None, "", known["hash"]):
        raise Refused("hash_conflict")


def _read_view(slack: SlackWorkspace, arguments: Arguments, kind: str, known: Json | None) -> Json:
    """The view of a call as Slack returns it. Raises Refused."""
    view = arguments.json("view")
    if not isinstance(view, dict) or view.get("type") != kind:
        raise Refused(
            "invalid_arguments", f"[ERROR] the view must be of type {kind} [json-pointer:/view/type]"
        )
    private = view.get("private_metadata", "")
    if not isinstance(private, str) or len(private) > MAX_PRIVATE_METADATA:
        raise Refused("invalid_arguments", "[ERROR] private_metadata is too long")
    if kind == "modal":
        _check_modal(view)
    world = slack.state.world
    return {
        "id": known["id"] if known else f"V{secrets.token_hex(5).upper()}",
        "team_id": world.team.id,
        "type": kind,
        "blocks": list(check_blocks(view.get("blocks"), most=MAX_VIEW_BLOCKS)),
        "private_metadata": private,
        "callback_id": view.get("callback_id", ""),
        "state": {"values": {}},
        "hash": f"{int(time.time())}.{secrets.token_hex(4)}",
        "title": view.get("title"),
        "submit": view.get("submit"),
        "close": view.get("close"),
        "clear_on_close": bool(view.get("clear_on_close")),
        "notify_on_close": bool(view.get("notify_on_close")),
        "previous_view_id": None,
        "root_view_id": known["root_view_id"] if known else "",
        "app_id": world.app_id,
        "external_id": view.get("external_id", ""),
        "app_installed_team_id": world.team.id,
        "bot_id": world.bot.bot_id,
    }


def _check_modal(view: Json) -> None:
    for name in ("title", "submit", "close"):
        if name in view or name == "title":
            check_text(view.get(name), f"/view/{name}", most=MAX_TITLE, plain=True)


METHODS = (
    Method("views.publish", publish, Tier.TIER_4),
    Method("views.open", open_modal, Tier.TIER_4),
    Method("views.push", open_modal, Tier.TIER_4),
    Method("views.update", update, Tier.TIER_4),
)
