"""The model endpoint, prices and agents' dependencies, from the settings."""

from __future__ import annotations

from functools import partial

from agents.budget import AgentLimits, Budget
from agents.model.endpoint import Endpoint
from agents.model.prices import Prices
from agents.model.wire.web_search import web_search
from agents.orchestrator import AgentDeps
from agents.tools.team_tools import Toolbox, no_tools
from bot.observability.instrumentation import InstrumentedEndpoint
from bot.observability.metrics import ModelMetrics
from bot.settings import Settings, variable
from bot.settings.channels import ChannelSettings
from sandbox.sandbox import Sandbox
from tasks.message import ThreadAddress

#: Where requests go without OPENAI_BASE_URL.
OPENAI = "https://api.openai.com/v1"


def make_endpoint(settings: Settings, *, tries: int = 5, metrics: ModelMetrics | None = None) -> Endpoint:
    """The endpoint, counted in `metrics`. The client needs a key even where a local server wants none."""
    key = settings.openai_api_key
    base_url = settings.openai_base_url or OPENAI
    make = Endpoint if metrics is None else partial(InstrumentedEndpoint, metrics, make_prices(settings))
    return make(
        api_key=key.get_secret_value() if key else "none",
        base_url=settings.openai_base_url,
        api=settings.model_api,
        tries=tries,
        idle_timeout=settings.model_idle_seconds,
        at_once=settings.limit_model_requests,
        most_output=settings.model_max_output,
        extra=settings.model_body,
        search=web_search(base_url) if settings.web_search == "auto" else None,
    )


def agent_deps(
    settings: Settings, endpoint: Endpoint, sandbox: Sandbox, toolbox: Toolbox = no_tools
) -> AgentDeps:
    """The agents' dependencies."""
    budget = Budget(
        turns=settings.limit_task_turns,
        seconds=settings.limit_task_seconds,
        tokens=settings.limit_task_tokens,
        usd=settings.limit_task_usd,
    )
    return AgentDeps(
        endpoint=endpoint,
        sandbox=sandbox,
        model=settings.model,
        worker_model=settings.worker_model or settings.model,
        prices=make_prices(settings),
        toolbox=toolbox,
        limits=AgentLimits(
            task=budget,
            at_once=settings.limit_workers_at_once,
            workers=settings.limit_workers,
            quick_seconds=settings.limit_quick_seconds,
            normal_seconds=settings.limit_normal_seconds,
            deep_seconds=settings.limit_deep_seconds,
        ),
    )


def agent_deps_in(
    channels: ChannelSettings, thread: ThreadAddress, endpoint: Endpoint, sandbox: Sandbox, toolbox: Toolbox
) -> AgentDeps:  # fmt: skip
    """The same for a task in a thread, with its channel's models, budgets and team tools."""
    allowed = channels.own(thread.team, thread.channel).tools
    mine = toolbox if allowed is None else lambda: [t for t in toolbox() if t.tool.name in allowed]
    return agent_deps(channels.settings(thread.team, thread.channel), endpoint, sandbox, mine)


def make_prices(settings: Settings) -> Prices:
    """The operator's prices, then the published ones."""
    base_url = settings.openai_base_url or OPENAI
    return Prices(settings.model_prices, window=settings.model_window, base_url=base_url)


def model_names(settings: Settings) -> tuple[str, ...]:
    """All models of the settings, fallbacks included."""
    chosen = ",".join((settings.model, settings.worker_model or ""))
    return tuple(dict.fromkeys(name.strip() for name in chosen.split(",") if name.strip()))


def unbound_usd_limits(channels: ChannelSettings) -> tuple[str, ...]:
    """A sentence for each group of limits in USD that can't bind, because a model's price is not known."""
    places = [place.partition(".") for place in ("", *channels.places)]
    found = [_unbound(channels.settings(team, channel)) for team, _, channel in places]
    return tuple(dict.fromkeys(filter(None, found)))


def _unbound(settings: Settings) -> str:
    limits = ("limit_task_usd", "limit_person_daily_usd", "limit_channel_daily_usd")
    names = [variable(name) for name in limits if getattr(settings, name) is not None]
    prices = make_prices(settings)
    unknown = [model for model in model_names(settings) if not prices.knows(model)]
    if not names or not unknown:
        return ""
    return (
        f"{' and '.join(names)} can't bind: the price of {' and '.join(unknown)} is not known. Set "
        "HANDOFF_MODEL_PRICES."
    )
