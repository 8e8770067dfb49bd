"""Every setting of the environment, in groups: its variable, its bounds, its default, and what it does.

Each field's docstring says what its variable does; `.env.example` and `docs/settings.md` are made from them.
A field is named as its variable without `HANDOFF_`, in lower case. Never decides where values come from: that
is `bot.settings.settings`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, SecretStr
from pydantic_settings import NoDecode

from agents.prices import Price
from bot.settings.field_types import (
    JSON_OBJECT,
    AnyCase,
    ChannelIds,
    DatabaseUrl,
    EngineUrl,
    FernetKeys,
    LocalPath,
    Models,
    ModelUrl,
    SlackUrl,
    TraceUrl,
    UserIds,
)
from bot.settings.group import SettingsGroup
from sandbox.image.tag import DEFAULT_BASE


def data_folder(environ: Mapping[str, str]) -> Path:
    """XDG's folder for data: specifications.freedesktop.org/basedir-spec."""
    return Path(environ.get("XDG_DATA_HOME") or "~/.local/share") / "handoff"


def _database_in(known: dict[str, Any]) -> str:
    return f"sqlite:///{known['data_dir'] / 'handoff.db'}"


class SlackSettings(SettingsGroup):
    """Slack"""

    slack_bot_token: SecretStr | None = Field(default=None, validation_alias="SLACK_BOT_TOKEN")
    """Bot token, `xoxb-…`, from the app's page "OAuth & Permissions". `serve` needs it."""
    slack_app_token: SecretStr | None = Field(default=None, validation_alias="SLACK_APP_TOKEN")
    """App-level token, `xapp-…`, with the scope `connections:write`. Set: Handoff connects by Socket Mode."""
    slack_signing_secret: SecretStr | None = Field(default=None, validation_alias="SLACK_SIGNING_SECRET")
    """Signing secret for HTTP mode (Slack posts to `/slack/events`). Needed without an app-level token."""
    slack_client_id: str | None = Field(default=None, validation_alias="SLACK_CLIENT_ID")
    """Client id of an app for several workspaces, each installing it at `/slack/install`; then no bot token
    is set."""
    slack_client_secret: SecretStr | None = Field(default=None, validation_alias="SLACK_CLIENT_SECRET")
    """Client secret of an app for several workspaces."""
    slack_token_key: FernetKeys | None = None
    """Key that several workspaces' tokens are encrypted with in the database, as
    `openssl rand -base64 32 | tr +/ -_` prints one. To replace it, put the new one before it, with a space
    between."""
    slack_api_url: SlackUrl = Field(default="https://slack.com/api/", validation_alias="SLACK_API_URL")
    """Base of Slack's Web API; another one for a proxy or a stand-in."""


class AccessSettings(SettingsGroup):
    """Who may"""

    allow_users: UserIds = ""
    """Ids of the people who may give tasks, `U…`, with spaces between. Empty: everybody."""
    allow_channels: ChannelIds = ""
    """Ids of the channels and direct messages where tasks are taken, `C…`, `D…`. Empty: all it is in."""
    allow_guests: bool = False
    """Whether guests of the workspace may give tasks."""
    allow_slack_connect: bool = False
    """Whether people of other workspaces may give tasks in shared channels."""
    allow_stop: Literal["requester", "thread"] = "requester"
    """Who may stop a task: its requester and admins, or everybody who can write in its thread."""
    limit_person_daily_tokens: int = Field(default=0, ge=0, le=1_000_000_000_000)
    """Tokens that one person's tasks may use in 24 hours; 0 sets no limit."""
    limit_person_daily_usd: float | None = Field(default=None, gt=0)
    """USD that one person's tasks may cost in 24 hours, where their models' prices are known; tasks that have
    ended count. Empty: no limit."""
    limit_channel_daily_usd: float | None = Field(default=None, gt=0)
    """The same for all tasks of one channel. Empty: no limit."""
    channels_file: LocalPath | None = None
    """TOML file of workspaces and channels that have settings of their own: see `docs/operate.md`. Read again
    when it changes."""


class ModelSettings(SettingsGroup):
    """The model"""

    openai_api_key: SecretStr | None = Field(default=None, validation_alias="OPENAI_API_KEY")
    """Key for the model endpoint. Not needed when `OPENAI_BASE_URL` is on this machine."""
    openai_base_url: ModelUrl | None = Field(default=None, validation_alias="OPENAI_BASE_URL")
    """Any OpenAI-compatible endpoint, up to and including `/v1`. Empty: OpenAI's own."""
    model: Models = "gpt-5.6"
    """Model of the orchestrator, and of the workers unless they have their own. Several with commas: a later
    one stands in while those before it can't be had."""
    worker_model: Models | None = None
    """Model of the workers. Empty: the orchestrator's."""
    model_api: Literal["auto", "chat", "responses"] = "auto"
    """API that the endpoint speaks: Chat Completions, Responses, or found out by itself."""
    model_max_output: int | None = Field(default=None, ge=16)
    """Most tokens of one reply. Empty: the endpoint decides."""
    model_idle_seconds: float = Field(default=90, ge=1, le=3600)
    """Longest silence of the model before a reply is asked for again; more for a slow model of your own."""
    model_window: int | None = Field(default=None, ge=4000)
    """Tokens that the model can read. Empty: as known for the model's name, else 128000."""
    model_body: Annotated[dict[str, Any], NoDecode, JSON_OBJECT] = Field(default_factory=dict)
    """JSON object of further fields for every request, for instance `{"temperature": 0.2}`."""
    model_prices: Annotated[dict[str, Price], NoDecode, JSON_OBJECT] = Field(default_factory=dict)
    """JSON object of USD per million tokens by model, for instance
    `{"my-model": {"input": 2, "output": 8, "cached": 0.5}}`. Other models: as known for their names."""


class TeamSettings(SettingsGroup):
    """Your own tools and traces"""

    tools_file: LocalPath | None = None
    """JSON file of MCP servers, and of the terms on which workers may call tools: see `docs/extend.md`."""
    trace_endpoint: TraceUrl | None = Field(default=None, validation_alias="OTEL_EXPORTER_OTLP_ENDPOINT")
    """Base URL of an OpenTelemetry collector (OTLP over HTTP). Empty: no traces."""
    trace_content: bool = False
    """Whether traces hold what people, models and tools said, and not only how long it took."""


class ProcessSettings(SettingsGroup):
    """Where it runs"""

    data_dir: LocalPath = Field(default_factory=lambda: data_folder(os.environ))
    """Folder of the database and the threads' files. Empty: `$XDG_DATA_HOME/handoff` or
    `~/.local/share/handoff`."""
    database_url: DatabaseUrl = Field(default_factory=_database_in, repr=False)
    """Database: `sqlite:///…` or `postgresql://…`. Empty: SQLite in the data folder."""
    retention_days: float = Field(default=90, ge=0, le=36_500)
    """Days that an ended task, its log and its messages are kept; 0 keeps them for ever."""
    host: str = "127.0.0.1"
    """Address to listen on for `/healthz`, `/readyz`, `/metrics` and `/slack/events`."""
    port: int = Field(default=8080, ge=0, le=65535)
    """Port to listen on; 0 takes a free one."""
    docker_host: EngineUrl | None = Field(default=None, validation_alias="DOCKER_HOST")
    """Docker Engine that runs the sandboxes. Empty: the engine on this machine."""
    log_level: Annotated[Literal["debug", "info", "warning", "error"], AnyCase] = "info"
    """Least important lines to log."""
    log_format: Literal["console", "json"] = "console"
    """Lines to read, or one JSON object per line."""


class LimitSettings(SettingsGroup):
    """Limits of a task"""

    limit_running_tasks: int = Field(default=20, ge=1, le=1000)
    """Tasks at work at the same time in this process; further ones wait in order."""
    limit_workspace_tasks: int = Field(default=20, ge=1, le=100_000)
    """Tasks of one workspace at work at the same time, in all processes; further ones wait in order."""
    limit_channel_tasks: int = Field(default=20, ge=1, le=100_000)
    """Tasks of one channel at work at the same time, in all processes."""
    limit_person_tasks: int = Field(default=10, ge=1, le=100_000)
    """Tasks of one person at work at the same time, in all processes."""
    limit_waiting_days: float = Field(default=7, gt=0, le=3650)
    """Days that a task waits for a person's answer before it expires."""
    limit_stalled_seconds: float = Field(default=900, ge=60, le=86_400)
    """Seconds without any step after which a running task is ended as failed."""
    limit_workers_at_once: int = Field(default=8, ge=1, le=100)
    """Workers of one task at the same time; further ones wait for a free place."""
    limit_workers: int = Field(default=24, ge=1, le=1000)
    """Workers of one task in all."""
    limit_task_seconds: int = Field(default=1800, ge=10, le=86_400)
    """Seconds of work on one task, waiting for a person not counted."""
    limit_task_tokens: int = Field(default=2_000_000, ge=1000, le=1_000_000_000)
    """Tokens of one task, in and out, of the orchestrator and all its workers."""
    limit_task_usd: float | None = Field(default=None, gt=0)
    """USD of one task where its models' prices are known. Empty: no limit."""
    limit_model_requests: int = Field(default=256, ge=1, le=10_000)
    """Requests for one model at the same time; fewer while the endpoint asks to slow down."""
    limit_task_turns: int = Field(default=60, ge=1, le=1000)
    """Model turns of the orchestrator in one task."""
    limit_attachment_mb: int = Field(default=100, ge=1, le=1024)
    """MiB of one file taken from a thread."""
    limit_artifact_mb: int = Field(default=32, ge=1, le=1024)
    """MiB of one file posted to a thread."""


class SandboxSettings(SettingsGroup):
    """The sandbox"""

    sandbox_memory_mb: int = Field(default=1024, ge=64, le=1_048_576)
    """Memory of one sandbox in MiB, without swap; its files in `/work` and `/tmp` count to it."""
    sandbox_cpus: float = Field(default=1.0, ge=0.1, le=256)
    """Processor time of one sandbox, in cores."""
    sandbox_pids: int = Field(default=64, ge=8, le=4096)
    """Processes and threads in one sandbox."""
    sandbox_timeout_seconds: float = Field(default=120, ge=1, le=86_400)
    """Wall-clock seconds of one program."""
    sandbox_output_bytes: int = Field(default=65_536, ge=1024, le=16_777_216)
    """Bytes of stdout, and of stderr, kept as text; the whole comes back as a file."""
    sandbox_flood_bytes: int = Field(default=16_777_216, ge=65_536, le=1_073_741_824)
    """Bytes of stdout and stderr together after which a program is stopped."""
    sandbox_code_bytes: int = Field(default=1_048_576, ge=1024, le=16_777_216)
    """Bytes of the longest program taken."""
    sandbox_work_mb: int = Field(default=256, ge=1, le=1_048_576)
    """Size of `/work` in MiB."""
    sandbox_tmp_mb: int = Field(default=64, ge=1, le=1_048_576)
    """Size of `/tmp` in MiB."""
    sandbox_inodes: int = Field(default=16_384, ge=64, le=10_000_000)
    """Files and folders in `/work`, and again in `/tmp`."""
    sandbox_nofile: int = Field(default=1024, ge=64, le=1_048_576)
    """Open files of one process."""
    sandbox_input_bytes: int = Field(default=134_217_728, ge=0, le=17_179_869_184)
    """Bytes of the files put into `/work`, together."""
    sandbox_input_count: int = Field(default=1000, ge=0, le=100_000)
    """Files put into `/work`."""
    sandbox_artifact_bytes: int = Field(default=33_554_432, ge=0, le=17_179_869_184)
    """Bytes of one file taken out."""
    sandbox_artifacts_bytes: int = Field(default=67_108_864, ge=0, le=17_179_869_184)
    """Bytes of the files taken out of one run, together."""
    sandbox_artifacts_count: int = Field(default=100, ge=0, le=100_000)
    """Files taken out of one run."""
    sandbox_state: Literal["none", "session"] = "none"
    """What a worker's program finds of its earlier ones besides files: `session` carries variables from
    container to container, as far as they can be pickled."""
    sandbox_state_bytes: int = Field(default=33_554_432, ge=1024, le=1_073_741_824)
    """Bytes of the variables of one worker, pickled; what does not fit is named in a note."""
    sandbox_runtime: str = ""
    """Container runtime, `runsc` or `kata-runtime` for instance. Empty: the engine's default."""
    sandbox_image: str = ""
    """An image of your own. Empty: the one that `handoff sandbox build` makes."""
    sandbox_base: str = DEFAULT_BASE
    """Base of the image; when it can't be pulled, one is made from Debian packages."""
    sandbox_packages: str = ""
    """Python packages to add to the image: requirement specifiers with spaces between."""
    sandbox_pool: int = Field(default=2, ge=0, le=256)
    """Containers kept ready ahead of the calls."""
    sandbox_max: int = Field(default=8, ge=1, le=1024)
    """Containers at the same time, ready ones included; further calls wait in order."""
    sandbox_queue_seconds: float = Field(default=60, ge=0, le=86_400)
    """Longest wait for a free container, in seconds."""
    sandbox_transport: Literal["auto", "attach", "socket"] = "auto"
    """How programs reach a container: its attach stream (any engine) or a unix socket (a local engine)."""


GROUPS = (
    SlackSettings, AccessSettings, ModelSettings, TeamSettings, ProcessSettings, LimitSettings,
    SandboxSettings,
)  # fmt: skip
"""The groups in the order a reader meets them; a group's docstring is its headline."""
