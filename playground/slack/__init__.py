"""A local stand-in for Slack: Web API, Socket Mode, signed HTTP events, and the state behind a web page."""

from playground.slack.page_json import Model
from playground.slack.server import SlackStandIn

__all__ = ["Model", "SlackStandIn"]
