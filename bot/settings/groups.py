"""All settings in groups, with bounds, defaults and descriptions.

`.env.example` and `docs/settings.md` are generated from them. A field is named like its variable, in lower
case and without `HANDOFF_`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, SecretStr
from pydantic_settings import NoDecode

from agents.budget import AgentLimits, Budget, EndpointLimits
from agents.model.prices import Price
from bot.settings.declared import declared
from bot.settings.field_types import (
    JSON_OBJECT,
    AnyCase,
    AppIds,
    BucketUrl,
    ChannelIds,
    DatabaseUrl,
    EngineUrl,
    FernetKeys,
    Hosts,
    LocalPath,
    Models,
    ModelUrl,
    SlackUrl,
    TraceUrl,
    UserIds,
    WorkspaceIds,
)
from bot.settings.group import SettingsGroup
from sandbox.egress.policy import EgressLimits
from sandbox.image.tag import DEFAULT_BASE
from sandbox.limits import PoolLimits, SandboxLimits
from tasks.orders.order import OrderLimits
from tasks.policy import DAY, TaskLimits, TaskPolicy


def data_folder(environ: Mapping[str, str]) -> Path:
    """The data folder of XDG: specifications.freedesktop.org/basedir-spec."""
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
    """Client id of an app for several workspaces, installed at `/slack/install`. Replaces the bot token."""
    slack_client_secret: SecretStr | None = Field(default=None, validation_alias="SLACK_CLIENT_SECRET")
    """Client secret of an app for several workspaces."""
    slack_token_key: FernetKeys | None = None
    """Key that encrypts the tokens of several workspaces in the database. Create one with
    `openssl rand -base64 32 | tr +/ -_`. To rotate it, put the new key in front, separated by a space."""
    allow_workspaces: WorkspaceIds = ""
    """Ids of the workspaces that may install an app for several workspaces, `T…`, separated by spaces. Empty:
    every workspace."""
    slack_api_url: SlackUrl = Field(default="https://slack.com/api/", validation_alias="SLACK_API_URL")
    """Base URL of Slack's Web API; change it for a proxy or a stand-in."""


class AccessSettings(SettingsGroup):
    """Access"""

    allow_users: UserIds = ""
    """Ids of the people who may start tasks, `U…`, separated by spaces. Empty: everyone."""
    allow_apps: AppIds = ""
    """Bot ids of apps whose messages may start tasks, `B…`, with spaces between, or `all`. Empty: none."""
    allow_channels: ChannelIds = ""
    """Ids of the channels and direct messages where tasks may start, `C…`, `D…`. Empty: all of the bot's."""
    allow_guests: bool = False
    """Whether guests of the workspace may start tasks."""
    allow_slack_connect: bool = False
    """Whether people from other workspaces may start tasks in shared channels."""
    allow_stop: Literal["requester", "thread"] = "requester"
    """Who may stop a task: its requester and admins, or everyone who can write in its thread."""
    limit_person_daily_tokens: int = Field(default=0, ge=0, le=1_000_000_000_000)
    """Tokens that one person's tasks may use in 24 hours. 0: no limit."""
    limit_person_daily_usd: float | None = Field(default=None, gt=0)
    """USD that one person's ended tasks may cost in 24 hours, where the models' prices are known. Empty: no
    limit."""
    limit_channel_daily_usd: float | None = Field(default=None, gt=0)
    """The same for all tasks of one channel. Empty: no limit."""
    channels_file: LocalPath | None = None
    """TOML file with settings for single workspaces and channels: see `docs/operate.md`. Changes apply at
    once."""


class ModelSettings(SettingsGroup):
    """The model"""

    openai_api_key: SecretStr | None = Field(default=None, validation_alias="OPENAI_API_KEY")
    """Key for the model endpoint. Not needed when `OPENAI_BASE_URL` is on this machine."""
    openai_base_url: ModelUrl | None = Field(default=None, validation_alias="OPENAI_BASE_URL")
    """Any OpenAI-compatible endpoint, up to and including `/v1`. Empty: OpenAI's own."""
    model: Models = "gpt-5.6"
    """Model of the orchestrator, and of the workers unless they have their own. Separate fallback models
    by commas."""
    worker_model: Models | None = None
    """Model of the workers. Empty: the orchestrator's."""
    model_api: Literal["auto", "chat", "responses"] = "auto"
    """API of the endpoint: Chat Completions, Responses, or detected automatically."""
    model_max_output: int | None = Field(default=None, ge=16)
    """Maximum tokens of one reply. Empty: the endpoint decides."""
    model_idle_seconds: float = declared(EndpointLimits, "idle_seconds")
    model_window: int | None = Field(default=None, ge=4000)
    """Context window in tokens. Empty: known from the model's name, else 128000."""
    web_search: Literal["auto", "off"] = "off"
    """The model service's own web search. `auto`: at OpenAI, OpenRouter and DashScope, if the model takes it.
    Each search costs, and its words go to a search engine."""
    model_body: Annotated[dict[str, Any], NoDecode, JSON_OBJECT] = Field(default_factory=dict)
    """JSON object of additional fields for every request, such as `{"temperature": 0.2}`."""
    model_prices: Annotated[dict[str, Price], NoDecode, JSON_OBJECT] = Field(default_factory=dict)
    """JSON object of USD per million tokens by model, such as
    `{"my-model": {"input": 2, "output": 8, "cached": 0.5}}`. Other models: published prices."""


class TeamSettings(SettingsGroup):
    """Tools and tracing"""

    tools_file: LocalPath | None = None
    """JSON file of MCP servers (`mcpServers`) and the tools that workers may call: see `docs/extend.md`."""
    skills_dir: LocalPath | None = None
    """Folder of skills, each a folder with a `SKILL.md`: see `docs/skills.md`. Changes apply to the next
    task. Empty: no skills."""
    extra_packages: str = ""
    """Python packages that the set-up installs into `.venv` beside Handoff, in pip's words: `./team-tools`,
    `team-tools==1.0`. The bot itself does not read it."""
    trace_endpoint: TraceUrl | None = Field(default=None, validation_alias="OTEL_EXPORTER_OTLP_ENDPOINT")
    """Base URL of an OpenTelemetry collector (OTLP over HTTP). Empty: no traces."""
    trace_content: bool = False
    """Whether traces contain messages, model replies and tool results, in addition to times."""


class ProcessSettings(SettingsGroup):
    """Process"""

    data_dir: LocalPath = Field(default_factory=lambda: data_folder(os.environ))
    """Folder for the database and the threads' files. Empty: `$XDG_DATA_HOME/handoff` or
    `~/.local/share/handoff`."""
    database_url: DatabaseUrl = Field(default_factory=_database_in, repr=False)
    """Database: `sqlite:///…` or `postgresql://…`. Empty: SQLite in the data folder."""
    retention_days: float = declared(TaskPolicy, "kept", unit=DAY)
    host: str = "127.0.0.1"
    """Address to listen on for `/healthz`, `/readyz`, `/metrics` and `/slack/events`."""
    port: int = Field(default=8080, ge=0, le=65535)
    """Port to listen on. 0: any free port."""
    health_port: int | None = Field(default=None, ge=0, le=65535)
    """Port of its own for `/healthz`, `/readyz` and `/metrics`, which are then on that one only. Empty: the
    same port."""
    docker_host: EngineUrl | None = Field(default=None, validation_alias="DOCKER_HOST")
    """Docker Engine that runs the sandboxes. Empty: the engine on this machine."""
    log_level: Annotated[Literal["debug", "info", "warning", "error"], AnyCase] = "info"
    """Lowest level to log."""
    audit_file: LocalPath | None = None
    """File for the audit log, one JSON object per line: who asked, decided, stopped, changed or installed
    what. Empty: none."""
    log_format: Literal["console", "json"] = "console"
    """Readable lines, or one JSON object per line."""


class FilesSettings(SettingsGroup):
    """The threads' files"""

    files_url: BucketUrl | None = None
    """S3-compatible bucket for the threads' files, `s3://bucket/prefix`. Empty: the data folder."""
    files_cache_mb: int = Field(default=10_240, ge=100, le=10_000_000)
    """MiB of copies of these files in the data folder, the least recently used deleted first."""
    files_endpoint: ModelUrl | None = Field(default=None, validation_alias="AWS_ENDPOINT_URL")
    """URL of the store. Empty: Amazon's."""
    files_region: str = Field(default="", validation_alias="AWS_REGION")
    """Region of the bucket. Empty: `us-east-1`."""
    files_access_key: SecretStr | None = Field(default=None, validation_alias="AWS_ACCESS_KEY_ID")
    """Key that may read, write, list and delete in the bucket. Empty: the role of the machine."""
    files_secret_key: SecretStr | None = Field(default=None, validation_alias="AWS_SECRET_ACCESS_KEY")
    """Secret of that key."""


class LimitSettings(SettingsGroup):
    """Limits of a task"""

    limit_running_tasks: int = declared(TaskLimits, "process")
    limit_workspace_tasks: int = declared(TaskLimits, "workspace")
    limit_channel_tasks: int = declared(TaskLimits, "channel")
    limit_person_tasks: int = declared(TaskLimits, "person")
    limit_waiting_days: float = declared(TaskPolicy, "waiting", unit=DAY)
    limit_stalled_seconds: float = declared(TaskPolicy, "stalled")
    limit_task_deaths: int = declared(TaskPolicy, "deaths")
    limit_workers_at_once: int = declared(AgentLimits, "at_once")
    limit_workers: int = declared(AgentLimits, "workers")
    limit_quick_seconds: float = declared(AgentLimits, "quick_seconds")
    limit_normal_seconds: float = declared(AgentLimits, "normal_seconds")
    limit_deep_seconds: float = declared(AgentLimits, "deep_seconds")
    limit_task_seconds: int = declared(Budget, "seconds")
    limit_task_tokens: int = declared(Budget, "tokens")
    limit_task_usd: float | None = declared(Budget, "usd")
    limit_model_requests: int = declared(EndpointLimits, "at_once")
    limit_task_turns: int = declared(Budget, "turns")
    limit_egress_requests: int = declared(EgressLimits, "requests")
    limit_egress_mb: int = declared(EgressLimits, "mb")
    limit_egress_seconds: float = declared(EgressLimits, "seconds")
    limit_attachment_mb: int = Field(default=100, ge=1, le=1024)
    """MiB of one attached file."""
    limit_artifact_mb: int = Field(default=32, ge=1, le=1024)
    """MiB of one posted file."""


class OrderSettings(SettingsGroup):
    """Standing orders"""

    limit_person_orders: int = declared(OrderLimits, "person")
    limit_order_minutes: int = declared(OrderLimits, "minutes")
    limit_watch_hourly: int = declared(OrderLimits, "hourly")
    limit_watch_cooldown_seconds: float = declared(OrderLimits, "cooldown")
    limit_order_tokens: int = declared(OrderLimits, "tokens")
    limit_order_daily_tokens: int = declared(OrderLimits, "daily_tokens")


class SandboxSettings(SettingsGroup):
    """The sandbox"""

    sandbox_memory_mb: int = declared(SandboxLimits, "memory_mb")
    sandbox_cpus: float = declared(SandboxLimits, "cpus")
    sandbox_pids: int = declared(SandboxLimits, "pids")
    sandbox_timeout_seconds: float = declared(SandboxLimits, "timeout_seconds")
    sandbox_output_bytes: int = declared(SandboxLimits, "output_bytes")
    sandbox_flood_bytes: int = declared(SandboxLimits, "flood_bytes")
    sandbox_code_bytes: int = declared(SandboxLimits, "code_bytes")
    sandbox_work_mb: int = declared(SandboxLimits, "work_mb")
    sandbox_tmp_mb: int = declared(SandboxLimits, "tmp_mb")
    sandbox_inodes: int = declared(SandboxLimits, "inodes")
    sandbox_nofile: int = declared(SandboxLimits, "nofile")
    sandbox_input_bytes: int = declared(SandboxLimits, "input_bytes")
    sandbox_input_count: int = declared(SandboxLimits, "input_count")
    sandbox_artifact_bytes: int = declared(SandboxLimits, "artifact_bytes")
    sandbox_artifacts_bytes: int = declared(SandboxLimits, "artifacts_bytes")
    sandbox_artifacts_count: int = declared(SandboxLimits, "artifacts_count")
    sandbox_state: Literal["none", "session"] = "none"
    """What a worker's programs share besides files: `session` keeps picklable variables between calls."""
    sandbox_state_bytes: int = declared(SandboxLimits, "state_bytes")
    sandbox_egress: Hosts = ""
    """Hosts that programs may reach by HTTP and HTTPS, with commas between: `api.example.com`,
    `*.example.com`, `host:port`. Empty: none. See `docs/egress.md`."""
    sandbox_runtime: str = declared(SandboxLimits, "runtime")
    sandbox_image: str = ""
    """Your own image. Empty: the one that `handoff sandbox build` builds."""
    sandbox_base: str = DEFAULT_BASE
    """Base image; if it can't be pulled, one is built from Debian packages."""
    sandbox_packages: str = ""
    """Python packages to add to the image: requirement specifiers separated by spaces."""
    sandbox_pool: int = declared(PoolLimits, "ready")
    sandbox_max: int = declared(PoolLimits, "most")
    sandbox_engine_max: int = declared(PoolLimits, "engine_max")
    sandbox_queue_seconds: float = declared(PoolLimits, "queue_seconds")
    sandbox_transport: Literal["auto", "attach", "socket"] = "auto"
    """How programs reach a container: its attach stream (any engine) or a unix socket (a local engine)."""


GROUPS = (
    SlackSettings, AccessSettings, ModelSettings, TeamSettings, ProcessSettings, FilesSettings,
    LimitSettings, OrderSettings, SandboxSettings,
)  # fmt: skip
"""The groups in the order of the documents."""
