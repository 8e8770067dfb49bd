"""Makes the sandbox and its parts from the settings. Never runs anything in them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from functools import partial

from bot.observability.instrumentation import InstrumentedSandbox
from bot.observability.metrics import SandboxMetrics
from bot.settings import Settings
from sandbox.engine import DockerEngine
from sandbox.image.build import BuildProgress, ensure_image
from sandbox.image.tag import Recipe
from sandbox.limits import SandboxLimits
from sandbox.sandbox import Sandbox


def sandbox_limits(settings: Settings) -> SandboxLimits:
    """Every limit is the setting of its own name."""
    return SandboxLimits(
        **{field.name: getattr(settings, f"sandbox_{field.name}") for field in fields(SandboxLimits)}
    )


def image_recipe(settings: Settings) -> Recipe:
    """What the image is made from."""
    return Recipe(settings.sandbox_base, tuple(settings.sandbox_packages.split()))


def make_sandbox(settings: Settings, *, figures: SandboxMetrics | None = None) -> Sandbox:
    """The sandbox of one process; enter it before use. Its runs are counted in `figures`."""
    make = Sandbox if figures is None else partial(InstrumentedSandbox, figures)
    return make(
        sandbox_limits(settings),
        image=settings.sandbox_image or image_recipe(settings).tag,
        docker_host=settings.docker_host,
        ready=settings.sandbox_pool,
        most=settings.sandbox_max,
        queue_seconds=settings.sandbox_queue_seconds,
        transport=settings.sandbox_transport,
        state=settings.sandbox_state,
    )


async def ready_image(settings: Settings, tell: Callable[[BuildProgress], None]) -> None:
    """Make the image unless it is there or the operator brings one. Raises `sandbox.errors.SandboxError`."""
    if not settings.sandbox_image:
        async with DockerEngine(settings.docker_host) as engine:
            await ensure_image(engine, image_recipe(settings), tell)
