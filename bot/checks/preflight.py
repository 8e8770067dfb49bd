"""The checks before Handoff starts: settings, files, port, Docker. They call neither Slack nor the model.

Each check returns sentences that say what is wrong and the fix. They show no secret.
"""

from __future__ import annotations

import ipaddress
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import SecretStr
from sqlalchemy import make_url

from agents.errors import ToolConfigError
from bot.errors import InvalidChannelsFile
from bot.factories.database import driver_problems
from bot.factories.files import files_problems
from bot.factories.skills import skill_problems
from bot.factories.team_tools import known_tools, tool_problems
from bot.factories.tracing import trace_problems
from bot.settings import Settings
from bot.settings.channels import ChannelSettings
from bot.timing import CHECK_TIMING, CheckTiming
from sandbox.engine import DockerEngine, EngineFacts
from sandbox.errors import EngineUnavailable

_TOKENS = {"xoxb-": "a bot token", "xapp-": "an app-level token", "xoxp-": "a user token"}


async def problems_for_serve(settings: Settings) -> tuple[str, ...]:
    """Every reason why `handoff serve` could not work with these settings, a sentence each."""
    local = (*slack_problems(settings), *model_problems(settings), *machine_problems(settings))
    return (
        *local,
        *channel_problems(settings),
        *tool_problems(settings),
        *skill_problems(settings),
        *trace_problems(settings),
        *files_problems(settings),
        *driver_problems(settings.database_url),
        *await engine_problems(settings),
    )


def slack_problems(settings: Settings) -> tuple[str, ...]:
    return tuple(_slack_problems(settings))


def model_problems(settings: Settings) -> tuple[str, ...]:
    if settings.openai_api_key is not None or is_loopback(settings.openai_base_url):
        return ()
    return (
        "OPENAI_API_KEY is not set. Set it to a key of the model endpoint, or to any word when "
        "OPENAI_BASE_URL names one that asks for none.",
    )


def machine_problems(settings: Settings) -> tuple[str, ...]:
    """The data folder, the folder of an SQLite file, and the port."""
    found = [unwritable(settings.data_dir, "HANDOFF_DATA_DIR")]
    file = sqlite_file(settings.database_url)
    if file is not None and file.parent != settings.data_dir:
        found.append(unwritable(file.parent, "HANDOFF_DATABASE_URL"))
    if settings.audit_file is not None:
        found.append(unwritable(settings.audit_file.parent, "HANDOFF_AUDIT_FILE"))
    found.append(port_in_use(settings.host, settings.port))
    if settings.health_port is not None:
        found.append(port_in_use(settings.host, settings.health_port, "HANDOFF_HEALTH_PORT"))
    return tuple(problem for problem in found if problem)


def channel_problems(settings: Settings) -> tuple[str, ...]:
    """What is wrong with the file of workspaces and channels, if there is one."""
    try:
        channels = ChannelSettings(settings, settings.channels_file)
        return tuple(channels.unknown_tools(known_tools(settings)))
    except InvalidChannelsFile as refused:
        return refused.problems
    except ToolConfigError:
        return ()  # `tool_problems` reports it


async def engine_problems(settings: Settings, timing: CheckTiming = CHECK_TIMING) -> tuple[str, ...]:
    try:
        problem = runtime_problem(settings, await engine_facts(settings, timing))
    except EngineUnavailable as error:
        problem = str(error)
    return (problem,) if problem else ()


def runtime_problem(settings: Settings, facts: EngineFacts) -> str:
    """A sentence when the engine lacks the runtime of the sandbox; a shim of containerd can't be checked."""
    name = settings.sandbox_runtime
    if not name or name in facts.runtimes or name.startswith(("io.containerd.", "/")):
        return ""
    return (
        f"HANDOFF_SANDBOX_RUNTIME is {name}, and Docker has {', '.join(sorted(facts.runtimes))} only. "
        "Install it and add it to the engine's daemon.json, or remove the setting."
    )


async def engine_facts(settings: Settings, timing: CheckTiming = CHECK_TIMING) -> EngineFacts:
    """What Docker says about itself. Raises EngineUnavailable when it does not answer."""
    async with DockerEngine(settings.docker_host, seconds=timing.engine) as engine:
        return await engine.facts()


def _slack_problems(settings: Settings) -> Iterator[str]:
    if settings.slack_client_id is not None:
        yield from oauth_problems(settings)
    elif settings.slack_bot_token is None:
        yield (
            "SLACK_BOT_TOKEN is not set. Make the app from what `handoff manifest` prints, install it, and "
            "copy the Bot User OAuth Token from its page OAuth & Permissions."
        )
    if settings.slack_app_token is None and settings.slack_signing_secret is None:
        yield (
            "Neither SLACK_APP_TOKEN nor SLACK_SIGNING_SECRET is set. For Socket Mode set SLACK_APP_TOKEN to "
            "an app-level token with the scope connections:write; for HTTP set SLACK_SIGNING_SECRET."
        )
    if is_slack(settings.slack_api_url):
        yield from _shape("SLACK_BOT_TOKEN", settings.slack_bot_token, "xoxb-")
        yield from _shape("SLACK_APP_TOKEN", settings.slack_app_token, "xapp-")


def oauth_problems(settings: Settings) -> tuple[str, ...]:
    return tuple(_oauth_problems(settings))


def _oauth_problems(settings: Settings) -> Iterator[str]:
    """An app for several workspaces: its tokens come by OAuth, and none is a setting."""
    if settings.slack_bot_token is not None:
        yield (
            "SLACK_BOT_TOKEN and SLACK_CLIENT_ID are both set. Remove SLACK_CLIENT_ID to serve the token's "
            "one workspace, or SLACK_BOT_TOKEN to have each workspace install the app at /slack/install."
        )
    if settings.slack_client_secret is None:
        yield (
            "SLACK_CLIENT_SECRET is not set, and SLACK_CLIENT_ID is. Copy it from the app's page Basic "
            "Information."
        )
    if settings.slack_token_key is None:
        yield (
            "HANDOFF_SLACK_TOKEN_KEY is not set. Set it to what this prints, and keep a copy, because "
            "without it no workspace's token can be read: openssl rand -base64 32 | tr +/ -_"
        )


def _shape(variable: str, token: SecretStr | None, begin: str) -> Iterator[str]:
    if token is None or token.get_secret_value().startswith(begin):
        return
    found = next((name for start, name in _TOKENS.items() if token.get_secret_value().startswith(start)), "")
    but = f" but holds {found}" if found else ""
    yield f"{variable} must begin with {begin}{but}. Copy {_TOKENS[begin]} from the app's pages at Slack."


def is_slack(api_url: str) -> bool:
    """Whether the Web API is Slack's own; a stand-in or a proxy may hand out tokens of any shape."""
    host = urlsplit(api_url).hostname or ""
    return any(host == known or host.endswith("." + known) for known in ("slack.com", "slack-gov.com"))


def is_loopback(url: str | None) -> bool:
    """Whether a URL points at this very machine."""
    host = urlsplit(url or "").hostname or ""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def sqlite_file(database_url: str) -> Path | None:
    """The file of an SQLite database; None for another kind."""
    url = make_url(database_url)
    return Path(url.database).absolute() if url.get_backend_name() == "sqlite" and url.database else None


def unwritable(folder: Path, variable: str) -> str:
    """Makes the folder if it is missing; a sentence when it can't be written to."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return ""
    except OSError as error:
        why = error.strerror or str(error)
        return (
            f"{variable}: the folder {folder} can't be written to ({why}). Make it writable, or set another."
        )


def port_in_use(host: str, port: int, variable: str = "HANDOFF_PORT") -> str:
    """A sentence when the port is in use; port 0 is always free."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            # As servers do: a connection of an earlier run that is still closing does not count as in use.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
            return ""
    except (socket.gaierror, UnicodeError):
        return (
            f"HANDOFF_HOST is {host!r}, which is no address of this machine. Set it to 127.0.0.1 or 0.0.0.0."
        )
    except OSError as error:
        why = error.strerror or str(error)
        return f"{variable}: can't listen on {host} port {port} ({why}). Stop what uses it, or set another."
