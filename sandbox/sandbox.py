"""The sandbox of one process: takes a job, returns a `Run`, also when a program or Docker fails."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import itertools
import logging
import random
import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Literal, Self

from sandbox import result
from sandbox.container import Container, OnOutput, RawRun, decoded
from sandbox.egress.connections import OnConnection
from sandbox.engine import DockerEngine
from sandbox.errors import (
    ContainerLost,
    EngineUnavailable,
    ImageMissing,
    PlaceTaken,
    SandboxBusy,
    SandboxError,
)
from sandbox.image.tag import Recipe
from sandbox.job import Job, Queue, Run, Status, refusal
from sandbox.limits import PoolLimits, SandboxLimits
from sandbox.owner import Owner, remove_all, sweep
from sandbox.pool import PAUSE_SECONDS, Pool, flavour_of
from sandbox.spec import UIDS, container_settings
from sandbox.transport import AttachTransport, AutoTransport, SocketTransport, Transport

_log = logging.getLogger(__name__)
_TRANSPORTS: dict[str, Callable[[DockerEngine, Owner], Transport]] = {
    "auto": AutoTransport,
    "attach": AttachTransport,
    "socket": SocketTransport,
}
END_SECONDS = 8
"""To shut down, however slow the engine is: half for requests in progress, the rest to remove containers."""
PLACE_PREFIX = "handoff-sandbox-"
"""Begins the names of containers; the number of the place follows."""
_SHORTEST_SECONDS = 0.1
_ENGINE_RETRY_SECONDS = 0.5  # until an engine that can't be reached is tried again
_PLACE_SECONDS = 1  # until the places of an engine that has none free are tried again
_OWN_END_SECONDS = 3  # a container that sent its exit record is gone long before; then the engine removes it


class Sandbox:
    """Runs each job in a container of its own. Enter it once per process, then `run` as often as you like.

    `image` None takes the one `handoff sandbox build` makes. `ready` containers are kept waiting ahead of the
    calls, `most` may exist at once, `engine_max` with those of other processes on the same engine. A call
    waits `queue_seconds` at most for one, and `engine_seconds` for an engine that can't be reached. After a
    burst, as many as it needed are kept ready for `remember_seconds`. `transport` auto takes the socket where
    one works. `state` session: who calls again and again should carry variables along, by `Job.state` and
    `Run.state`.
    """

    def __init__(
        self,
        limits: SandboxLimits | None = None,
        *,
        image: str | None = None,
        docker_host: str | None = None,
        ready: int = PoolLimits.ready,
        most: int = PoolLimits.most,
        engine_max: int = len(UIDS),
        queue_seconds: float = PoolLimits.queue_seconds,
        engine_seconds: float = 0,
        remember_seconds: float = 60,
        transport: Literal["auto", "attach", "socket"] = "auto",
        state: Literal["none", "session"] = "none",
    ) -> None:
        self.limits = limits or SandboxLimits()
        self.carries_variables = state == "session"
        self.image = image or Recipe().tag
        self.installed: Mapping[str, str] = {}
        """Python and packages of the image with versions; empty until the first container is ready."""
        self.owner = Owner.this_process()
        self.engine = DockerEngine(docker_host)
        self._make_pool = functools.partial(
            Pool, ready=ready, most=most, queue_seconds=queue_seconds, remember_seconds=remember_seconds
        )
        self._make_transport = _TRANSPORTS[transport]
        # Each process begins somewhere else, so that bots of one engine seldom try a place that is taken.
        first = random.randrange(engine_max)
        self._places = itertools.cycle((*range(first, engine_max), *range(first)))
        self._engine_max = engine_max
        self._engine_seconds = engine_seconds
        self._stop = asyncio.Event()
        self._keeper: asyncio.Task[None] | None = None
        self._pool: Pool | None = None
        self._group: asyncio.TaskGroup | None = None

    async def __aenter__(self) -> Self:
        up = asyncio.Event()
        self._keeper = asyncio.create_task(self._keep(up), name="sandbox keeper")
        self._keeper.add_done_callback(lambda _: up.set())
        await up.wait()
        if self._keeper.done():
            await self._keeper  # raises what kept it from coming up
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        if self._keeper is not None:
            await self._keeper

    async def run(
        self,
        job: Job,
        *,
        on_output: Callable[[str], None] | None = None,
        on_container: Callable[[], float] | None = None,
        on_connection: OnConnection | None = None,
    ) -> Run:
        """Run `job` and return how it went. `on_output` gets stdout and stderr as they come, in text.

        `on_connection` serves each connection that the program makes to its proxy; None: it has no proxy.

        `on_container` is called when the job has a container, for which it may have waited; it returns the
        seconds that the program may run at most.
        Cancelling the caller kills the container at once. A failure of the sandbox before the program started
        is retried in another container: once, and as long as the engine can't be reached.
        """
        if why := refusal(job, self.limits):
            return result.failed_run(why, status=Status.ERROR)
        longest = self.limits.timeout_seconds
        timeout = longest if job.timeout is None else min(job.timeout, longest)
        may_repeat, engine_until = True, time.monotonic() + self._engine_seconds
        while True:
            raw = RawRun()
            try:
                return await self._attempt(job, timeout, raw, decoded(on_output), on_container, on_connection)
            except SandboxError as error:
                is_away = type(error) is EngineUnavailable and time.monotonic() < engine_until
                may_repeat = may_repeat and not isinstance(error, SandboxBusy | ImageMissing)
                if raw.started or not (may_repeat or is_away):
                    return result.failed_run(_blame(error, raw), seconds=raw.seconds)
                _log.warning("a sandbox failed before the program began, trying another: %s", error)
                may_repeat = False
                await asyncio.sleep(_ENGINE_RETRY_SECONDS if is_away else 0)

    @property
    def idle(self) -> int:
        """Containers that wait for a call now: about 9 MB each, 86 MB with pandas and pyplot imported."""
        return self._entered().idle

    async def sweep(self) -> int:
        """Remove the containers a dead process of this machine left; how many it were."""
        return await sweep(self.engine)

    async def _attempt(
        self,
        job: Job,
        timeout: float,
        raw: RawRun,
        on_output: OnOutput,
        on_container: Callable[[], float] | None,
        on_connection: OnConnection | None,
    ) -> Run:
        container = await self._entered().take(flavour_of(job.code, job.state), job.queue)
        try:
            if on_container is not None:
                timeout = max(_SHORTEST_SECONDS, min(timeout, on_container()))
            await container.execute(job, self.limits, timeout, on_output, raw, on_connection)
        except ContainerLost:
            if raw.started and await container.out_of_memory():
                raw.stopped = Status.OOM
                return result.run_from(raw, self.limits, timeout)
            raise
        finally:
            if not raw.record:
                container.hang_up()
            self._retire(container, job.queue, ended=bool(raw.record))
        return result.run_from(raw, self.limits, timeout)

    def _retire(self, container: Container, queue: Queue, *, ended: bool) -> None:
        if self._group is not None and not self._stop.is_set():
            self._group.create_task(self._see_off(container, queue, ended), name="see a sandbox off")

    async def _see_off(self, container: Container, queue: Queue, ended: bool) -> None:
        try:
            if ended and not self._entered().short:
                await asyncio.sleep(PAUSE_SECONDS)
            if not (ended and await container.ended_by_itself(_OWN_END_SECONDS)):
                await container.end()
        except SandboxError as error:
            _log.warning("a container may be left over until the next start: %s", error)
        finally:
            self._entered().gone(queue)

    async def _keep(self, up: asyncio.Event) -> None:
        """Everything that runs beside the calls starts and ends in here."""
        async with self.engine:
            transport = self._make_transport(self.engine, self.owner)
            try:
                async with asyncio.timeout(None) as patience, asyncio.TaskGroup() as group:
                    await self._tend(group, transport, up)
                    self.engine.hurry(END_SECONDS)
                    patience.reschedule(asyncio.get_running_loop().time() + END_SECONDS / 2)
            except TimeoutError:
                _log.info("containers were still being started or removed at the end")
            transport.close()
            try:
                await remove_all(self.engine, self.owner)
            except SandboxError as error:  # an engine that is down has nothing running
                _log.warning("containers may be left over until the next start: %s", error)

    async def _tend(self, group: asyncio.TaskGroup, transport: Transport, up: asyncio.Event) -> None:
        """Keep containers ready until the sandbox is left, then close them."""
        self._group = group
        self._pool = self._make_pool(functools.partial(self._start, transport), group)
        beside = group.create_task(self._open(self._pool), name="tend the sandbox")
        up.set()
        await self._stop.wait()
        beside.cancel()
        for container in self._pool.close():
            container.hang_up()

    async def _open(self, pool: Pool) -> None:
        try:
            if left := await self.sweep():
                _log.info("removed %d containers a dead process had left", left)
            pool.fill()
        except SandboxError as error:
            _log.warning("the sandbox is not ready yet: %s", error)
        await pool.tend()

    async def _start(self, transport: Transport, flavour: str) -> Container:
        """A started container in a place of the engine that is free, as soon as there is one."""
        full = False
        while not self._stop.is_set():
            for place in itertools.islice(self._places, self._engine_max):
                with contextlib.suppress(PlaceTaken):
                    return await self._start_at(place, transport, flavour)
            if not full:
                full = True
                _log.warning(
                    "all %d places for sandboxes on the Docker Engine are taken, other bots' included; "
                    "raise HANDOFF_SANDBOX_ENGINE_MAX",
                    self._engine_max,
                )
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_PLACE_SECONDS):
                    await self._stop.wait()
        raise SandboxBusy("The sandbox is shutting down.")

    async def _start_at(self, place: int, transport: Transport, flavour: str) -> Container:
        """The engine gives a name once, so a place is one container's alone, and so is the user id."""
        settings = container_settings(
            self.limits,
            image=self.image,
            flavour=flavour,
            labels=self.owner.labels(flavour),
            uid=UIDS[place],
        )
        name = f"{PLACE_PREFIX}{place}"
        container = await Container.start(self.engine, transport, settings, flavour, name)
        self.installed = container.installed
        return container

    def _entered(self) -> Pool:
        if self._pool is None:
            raise RuntimeError("Enter the sandbox first: async with Sandbox() as sandbox")
        return self._pool


def _blame(error: SandboxError, raw: RawRun) -> str:
    if raw.started:
        return f"The sandbox was lost while the program ran, by no fault of the program's. {error}"
    return f"The program was not run, by no fault of its own. {error}"
