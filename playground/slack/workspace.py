"""The parts of the stand-in that a Web API method uses."""

from __future__ import annotations

from dataclasses import dataclass

from playground.slack.background import Background
from playground.slack.credentials import Credentials
from playground.slack.directory import Directory
from playground.slack.events import Events
from playground.slack.installs import Installs
from playground.slack.rates import Rates
from playground.slack.shapes import Shapes
from playground.slack.socket_mode import SocketModeServer
from playground.slack.state import WorkspaceState
from playground.slack.streams import Streams
from playground.slack.triggers import Triggers
from playground.slack.uploads import Uploads


@dataclass(frozen=True, slots=True)
class SlackWorkspace:
    state: WorkspaceState
    shapes: Shapes
    directory: Directory
    credentials: Credentials
    events: Events
    streams: Streams
    uploads: Uploads
    installs: Installs
    triggers: Triggers
    sockets: SocketModeServer
    rates: Rates
    background: Background
