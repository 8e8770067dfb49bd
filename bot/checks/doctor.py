"""Every check that can be made before the first message, each with what it found and the fix.

The checks run at the same time, each under its own deadline, and none hides another. Beyond creating the
data folder they change nothing: no message is posted, no table is made, no image is built.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

import aiohttp

from agents.charts import Chart
from bot.checks import preflight, tokens
from bot.checks.model import check_models
from bot.errors import CheckFailed
from bot.factories.database import cause, driver_problems
from bot.factories.files import check_bucket, files_problems
from bot.factories.model import make_prices, model_names, unbound_usd_limits
from bot.factories.sandbox import image_recipe
from bot.factories.skills import skill_names, skill_problems
from bot.factories.team_tools import tool_problems, try_tools
from bot.factories.tracing import trace_problems
from bot.settings import Settings
from bot.settings.channels import ChannelSettings
from bot.timing import CHECK_TIMING, CheckTiming
from bot.wire.manifest import SCOPES
from bot.wire.native_blocks import data_table, data_visualization
from sandbox.engine import DockerEngine
from sandbox.errors import SandboxError
from sandbox.image.build import BASE_LABEL
from tasks.store.database import Database
from tasks.store.retry import DATABASE_ERRORS

#: Blocks that a workspace may not take yet.
_SAMPLES = (
    data_table([["Name", "Count"], ["Apples", "3"]]),
    data_visualization(Chart("bar", "Fruit", ("Apples",), (("Count", (3.0,)),))),
)
#: Where to look when a check gets no answer.
_POINTS_TO = {
    "Slack bot": "SLACK_API_URL",
    "Slack events": "SLACK_API_URL",
    "Model": "OPENAI_BASE_URL",
    "Docker": "DOCKER_HOST",
    "Sandbox image": "DOCKER_HOST",
    "Database": "HANDOFF_DATABASE_URL",
    "Files": "HANDOFF_FILES_URL",
    "Tools": "HANDOFF_TOOLS_FILE",
}
#: Why scopes can't be checked.
UNNAMED = "Slack's answer names none"

Check = Callable[[Settings, CheckTiming], Awaitable[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What one check found: a sentence when `ok`, else what is wrong and the fix."""

    name: str
    ok: bool
    text: str

    def __str__(self) -> str:
        return f"{'✓' if self.ok else '✗'} {self.name}: {self.text}"


async def examine(
    settings: Settings, settings_problems: tuple[str, ...] = (), timing: CheckTiming = CHECK_TIMING
) -> tuple[Finding, ...]:
    """All findings, in a fixed order. `settings_problems` are those that reading the settings met."""
    async with asyncio.TaskGroup() as group:
        running = [
            group.create_task(_finding(name, check, settings, timing)) for name, check in CHECKS.items()
        ]
    wrong = tuple(Finding(name="Settings", ok=False, text=problem) for problem in settings_problems)
    read = wrong or (Finding(name="Settings", ok=True, text="read, and each in its bounds."),)
    return (*read, *(task.result() for task in running))


async def _finding(name: str, check: Check, settings: Settings, timing: CheckTiming) -> Finding:
    try:
        async with asyncio.timeout(timing.check):
            return Finding(name=name, ok=True, text=await check(settings, timing))
    except TimeoutError:
        where = _POINTS_TO.get(name, "the disk")
        problem = f"no answer within {timing.check:.0f} seconds. Look at the network and at {where}."
    except CheckFailed as error:
        problem = str(error)
    return Finding(name=name, ok=False, text=problem)


async def _bot_token(settings: Settings, timing: CheckTiming) -> str:
    if settings.slack_client_id is not None:
        return _for_several(settings)
    if settings.slack_bot_token is None:
        raise CheckFailed(preflight.slack_problems(settings)[0])
    answer = await tokens.identity(settings, settings.slack_bot_token.get_secret_value())
    granted = tokens.granted_scopes(answer)
    missing = [f"{scope} (to {reason})" for scope, reason in SCOPES.items() if scope not in (granted or ())]
    if granted is not None and missing:
        raise CheckFailed(
            f"the bot token lacks the scopes {', '.join(missing)}. Handoff runs without what they are for. "
            "Paste what `handoff manifest` prints on the app's page App Manifest, and install the app again."
        )
    token = settings.slack_bot_token.get_secret_value()
    has_tables, has_charts = [await tokens.takes_block(settings, token, block) for block in _SAMPLES]
    tables = "Slack's data tables" if has_tables else "Markdown, since Slack takes no data table here"
    charts = "pictures and Slack's charts" if has_charts else "pictures, since Slack takes no charts here"
    who = f"{answer['user']} in the workspace {answer['team']}"
    scopes = f"with all {len(SCOPES)} scopes" if granted else f"whose scopes can't be checked: {UNNAMED}"
    return f"{who}, {scopes}. Long tables come as {tables}. Plots come as {charts}."


def _for_several(settings: Settings) -> str:
    if problems := preflight.oauth_problems(settings):
        raise CheckFailed(" ".join(problems))
    return "an app for several workspaces; each brings its token when it installs it at /slack/install."


async def _delivery(settings: Settings, timing: CheckTiming) -> str:
    if settings.slack_app_token is not None:
        await tokens.opens_socket_mode(settings, settings.slack_app_token.get_secret_value())
        return "Socket Mode opens."
    if settings.slack_signing_secret is not None:
        return "HTTP mode; whether Slack reaches /slack/events shows when the address is saved at Slack."
    raise CheckFailed(preflight.slack_problems(settings)[-1])


async def _costs(settings: Settings, timing: CheckTiming) -> str:
    if preflight.channel_problems(settings):
        raise CheckFailed("they can't be looked for before the channels file is read. Fix that first.")
    if unbound := unbound_usd_limits(ChannelSettings(settings, settings.channels_file)):
        raise CheckFailed(" ".join(unbound))
    prices = make_prices(settings)
    unknown = [model for model in model_names(settings) if not prices.knows(model)]
    if unknown:
        return f"not known for {' and '.join(unknown)}; set HANDOFF_MODEL_PRICES to see them."
    return f"known for {' and '.join(model_names(settings))}."


async def _docker(settings: Settings, timing: CheckTiming) -> str:
    try:
        facts = await preflight.engine_facts(settings, timing)
    except SandboxError as error:
        raise CheckFailed(str(error)) from error
    if not facts.seccomp:
        raise CheckFailed("this engine has no seccomp, which the sandbox needs. Use one that has it.")
    if problem := preflight.runtime_problem(settings, facts):
        raise CheckFailed(problem)
    old = (
        " It uses cgroup v1, whose memory limits leave out part of what the kernel holds for a program; "
        "start this machine with cgroup v2 if you can."
    )
    return f"Engine {facts.version} on {facts.system}, {facts.cpus} cores.{old if facts.cgroup_v1 else ''}"


async def _image(settings: Settings, timing: CheckTiming) -> str:
    name = settings.sandbox_image or image_recipe(settings).tag
    try:
        async with DockerEngine(settings.docker_host, seconds=timing.engine) as engine:
            found = await engine.image_id(name)
            base = (await engine.image_labels(name)).get(BASE_LABEL, "")
    except SandboxError as error:
        raise CheckFailed("it can't be looked for without Docker. Fix that first.") from error
    if found is None:
        how = "Pull it" if settings.sandbox_image else "Build it with: handoff sandbox build"
        raise CheckFailed(f"Docker has no image {name}. {how}.")
    return f"{name} is there, made from {base}." if base else f"{name} is there; its base is not recorded."


async def _database(settings: Settings, timing: CheckTiming) -> str:
    file = preflight.sqlite_file(settings.database_url)
    if file is not None and (problem := preflight.unwritable(file.parent, "HANDOFF_DATABASE_URL")):
        raise CheckFailed(problem)
    if problems := driver_problems(settings.database_url):
        raise CheckFailed(problems[0])
    database = Database(settings.database_url)
    try:
        is_made = await database.is_made()
        is_other = is_made and not await database.is_current()
    except DATABASE_ERRORS as error:
        raise CheckFailed(f"it can't be opened: {cause(error)}. Look at HANDOFF_DATABASE_URL.") from error
    finally:
        await database.close()
    name = database.url.render_as_string(hide_password=True)
    if not is_made:
        return f"{name} is empty; the first start makes the tables."
    then = "; its tables are of another release, and a start brings earlier ones up to date"
    return f"{name} opens{then if is_other else ''}."


async def _data_folder(settings: Settings, timing: CheckTiming) -> str:
    if problem := preflight.unwritable(settings.data_dir, "HANDOFF_DATA_DIR"):
        raise CheckFailed(problem)
    return f"{settings.data_dir} can be written to."


async def _files(settings: Settings, timing: CheckTiming) -> str:
    if problems := files_problems(settings):
        raise CheckFailed(" ".join(problems))
    if settings.files_url is None:
        return "in the data folder; several machines need it on a shared disk, or HANDOFF_FILES_URL."
    return await check_bucket(settings, settings.files_url)


async def _channels(settings: Settings, timing: CheckTiming) -> str:
    if settings.channels_file is None:
        return "none; every channel has the settings of the environment."
    if problems := preflight.channel_problems(settings):
        raise CheckFailed(" ".join(problems))
    places = ChannelSettings(settings, settings.channels_file).places
    return f"{settings.channels_file} has settings of {', '.join(places) or 'no place'}."


async def _tools(settings: Settings, timing: CheckTiming) -> str:
    if problems := (*tool_problems(settings), *trace_problems(settings)):
        raise CheckFailed(" ".join(problems))
    tools, missing = await try_tools(settings)
    if missing:
        raise CheckFailed(" ".join(missing))
    names = [one.tool.name + (" (asks first)" if one.ask_first else "") for one in tools]
    return f"{', '.join(names) or 'none of your own'}."


async def _skills(settings: Settings, timing: CheckTiming) -> str:
    if problems := skill_problems(settings):
        raise CheckFailed(" ".join(problems))
    return f"{', '.join(skill_names(settings)) or 'none'}."


async def _port(settings: Settings, timing: CheckTiming) -> str:
    problem = preflight.port_in_use(settings.host, settings.port)
    if not problem and not settings.port:
        return f"{settings.host}, a port that is free then."
    if not problem:
        return f"{settings.host} port {settings.port} is free."
    if await _is_handoff(f"http://{settings.host}:{settings.port}/healthz", timing.neighbour):
        return f"a running Handoff answers on {settings.host} port {settings.port}."
    raise CheckFailed(problem)


async def _is_handoff(health: str, seconds: float) -> bool:
    try:
        async with (
            asyncio.timeout(seconds),
            aiohttp.ClientSession() as session,
            session.get(health) as answer,
        ):
            return answer.status == 200
    except (aiohttp.ClientError, OSError, TimeoutError):
        return False


async def _model(settings: Settings, timing: CheckTiming) -> str:
    return await check_models(settings)


CHECKS: Mapping[str, Check] = {
    "Slack bot": _bot_token,
    "Slack events": _delivery,
    "Model": _model,
    "Costs": _costs,
    "Docker": _docker,
    "Sandbox image": _image,
    "Database": _database,
    "Data folder": _data_folder,
    "Files": _files,
    "Channels file": _channels,
    "Tools": _tools,
    "Skills": _skills,
    "Port": _port,
}
