"""The sandbox and its image, from the settings."""

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
    """Each limit is the setting `sandbox_` with its name."""
    return SandboxLimits(
        **{field.name: getattr(settings, f"sandbox_{field.name}") for field in fields(SandboxLimits)}
    )


def image_recipe(settings: Settings) -> Recipe:
    """The base and packages of the image."""
    return Recipe(settings.sandbox_base, tuple(settings.sandbox_packages.split()))


def make_sandbox(
    settings: Settings, *, metrics: SandboxMetrics | None = None, engine_seconds: float = 0.0
) -> Sandbox:
    """The sandbox of one process, counted in `metrics`. Enter it before use. Programs wait for so many
    seconds for an engine that can't be reached."""
    make = Sandbox if metrics is None else partial(InstrumentedSandbox, metrics)
    return make(
        sandbox_limits(settings),
        image=settings.sandbox_image or image_recipe(settings).tag,
        docker_host=settings.docker_host,
        ready=settings.sandbox_pool,
        most=settings.sandbox_max,
        engine_max=settings.sandbox_engine_max or 2 * settings.sandbox_max,
        queue_seconds=settings.sandbox_timeout_seconds + settings.sandbox_queue_seconds,
        engine_seconds=engine_seconds,
        transport=settings.sandbox_transport,
        state=settings.sandbox_state,
    )


async def ready_image(settings: Settings, progress: Callable[[BuildProgress], None]) -> None:
    """Build the image unless it exists or the operator set one. Raises `sandbox.errors.SandboxError`."""
    if not settings.sandbox_image:
        async with DockerEngine(settings.docker_host) as engine:
            await ensure_image(engine, image_recipe(settings), progress)
