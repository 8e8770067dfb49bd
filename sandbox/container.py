"""One container: started ahead of its call, given one job, then gone."""

from __future__ import annotations

import asyncio
import codecs
import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sandbox.egress.connections import OnConnection, ProgramConnections
from sandbox.engine import DockerEngine
from sandbox.errors import ContainerLost, EngineUnavailable
from sandbox.file_exchange import FileExchange, parsed
from sandbox.files import SandboxFile
from sandbox.image.supervisor import frames
from sandbox.job import Job
from sandbox.limits import SandboxLimits
from sandbox.stream import FrameStream
from sandbox.transport import Transport

_READY_SECONDS = 60  # to start and import pandas on a machine that does much else
_HAND_OVER_SECONDS = 60  # for the small input files, and again for the files that come back
_GRACE_SECONDS = 5  # what the supervisor has for its own end after the time limit, before it is killed
_SMALL = 64 * 1024  # an exit record with its notes and names
_SAID = 1 << 20

OnOutput = Callable[[bytes, bytes], None]
"""Called with `frames.STDOUT` or `frames.STDERR` and the bytes, as they come."""


@dataclass(slots=True)
class RawRun:
    """What one container sent. None of it is trusted yet."""

    stdout: bytearray = field(default_factory=bytearray)
    stderr: bytearray = field(default_factory=bytearray)
    files: list[tuple[str, SandboxFile]] = field(default_factory=list)
    record: dict[str, object] = field(default_factory=dict)
    variables: tuple[str, bytes] | None = None
    """Notes, a line each, and the pickled variables that the program left for the next one."""
    started: bool = False
    ended: bool = False
    """The program is over, by itself or stopped; its files may still be on their way."""
    stopped: str = ""
    """Why the host ended it: `timeout` or `output_flood`; empty when the supervisor reports the end."""
    seconds: float = 0.0
    """Wall clock from the start of the program as the host saw it."""


class Container:
    """A container whose supervisor waits for a job."""

    def __init__(self, engine: DockerEngine, identity: str, flavour: str, stream: FrameStream) -> None:
        self.identity = identity
        self.flavour = flavour
        self.born = time.time()
        self.installed: dict[str, str] = {}
        """Python and the packages of the image with their versions; no packages in a team's own image."""
        self._engine = engine
        self._stream = stream

    @classmethod
    async def start(
        cls,
        engine: DockerEngine,
        transport: Transport,
        settings: dict[str, Any],
        flavour: str,
        name: str | None = None,
    ) -> Container:
        """Create, start and wait until ready; on an error it is removed.

        Raises PlaceTaken when the engine has a container of that name.
        """
        async with transport.opening(settings) as opening:
            identity = await engine.create(opening.settings, name)
            stream: FrameStream | None = None
            try:
                stream = await opening.start(identity)
                container = cls(engine, identity, flavour, stream)
                await container._until_ready()
            except BaseException:
                if stream is not None:
                    stream.close()
                await asyncio.shield(engine.remove(identity))
                raise
        return container

    async def _until_ready(self) -> None:
        try:
            async with asyncio.timeout(_READY_SECONDS):
                kind, payload = await self._stream.receive(_SMALL)
        except TimeoutError:
            raise ContainerLost(
                f"The container was not ready after {_READY_SECONDS} s. {self._stream.diagnosis}"
            ) from None
        if kind != frames.READY:
            raise ContainerLost(f"The container's first word was {kind!r}, not that it is ready.")
        self.installed = _installed(parsed(payload))

    async def execute(
        self, job: Job, limits: SandboxLimits, timeout: float, on_output: OnOutput, raw: RawRun,
        on_connection: OnConnection | None = None,
    ) -> None:  # fmt: skip
        """Send the job and collect what comes back into `raw`, also as far as it got on an error."""
        exchange = FileExchange(self._stream, job, limits)
        try:
            async with asyncio.timeout(_HAND_OVER_SECONDS):
                await exchange.announce()
                await self._hand_over(job, limits, timeout, "yes" if on_connection else "")
        except TimeoutError:
            raise ContainerLost(
                f"The container did not take its job within {_HAND_OVER_SECONDS} s."
            ) from None
        began = time.monotonic()
        clock = asyncio.get_running_loop().time
        nothing = contextlib.nullcontext()
        try:
            async with (
                asyncio.timeout(timeout + _GRACE_SECONDS) as bound,
                ProgramConnections(self._stream, on_connection) if on_connection else nothing as connections,
            ):
                await collect_output(
                    self._stream,
                    exchange,
                    limits,
                    on_output,
                    raw,
                    carries=job.state is not None,
                    connections=connections,
                    at_end=lambda: bound.reschedule(clock() + _HAND_OVER_SECONDS),
                )
        except TimeoutError:
            if raw.ended:
                raise ContainerLost(
                    f"The files that the program left did not arrive within {_HAND_OVER_SECONDS} s."
                ) from None
            raw.stopped = "timeout"
        finally:
            raw.seconds = time.monotonic() - began

    @property
    def alive(self) -> bool:
        """False once its end of the stream is known to be closed."""
        return not self._stream.at_end

    def hang_up(self) -> None:
        """Close the stream, upon which the supervisor and all processes of the container end."""
        self._stream.close()

    async def end(self) -> None:
        """Close the stream and have the engine remove the container."""
        self._stream.close()
        await self._engine.remove(self.identity)

    async def ended_by_itself(self, seconds: float) -> bool:
        """Close our end of the stream; whether the container ends in time."""
        self._stream.finish()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._stream.closed()
                self._stream.close()
                return True
        return False

    async def out_of_memory(self) -> bool:
        """Whether the engine logged an out-of-memory kill; False when the engine can't say."""
        with contextlib.suppress(EngineUnavailable):
            return await self._engine.ran_out_of_memory(self.identity, self.born)
        return False

    async def _hand_over(self, job: Job, limits: SandboxLimits, timeout: float, network: str) -> None:
        if job.state:
            await self._stream.send(frames.VARIABLES, job.state)
        settings = {
            "timeout": timeout,
            "state_bytes": 0 if job.state is None else limits.state_bytes,
            "flood_bytes": limits.flood_bytes,
            "artifact_bytes": limits.artifact_bytes,
            "artifacts_bytes": limits.artifacts_bytes,
            "artifacts_count": limits.artifacts_count,
            "prefix": job.prefix,
            "network": network,
        }
        await self._stream.send(frames.JOB, frames.packed(settings))
        await self._stream.send(frames.CODE, job.code.encode("utf-8", "replace"))


async def collect_output(
    stream: FrameStream,
    exchange: FileExchange,
    limits: SandboxLimits,
    on_output: OnOutput,
    raw: RawRun,
    *,
    carries: bool = False,
    connections: ProgramConnections | None = None,
    at_end: Callable[[], None] = lambda: None,
) -> None:
    """Fill `raw` until the exit record; ContainerLost when the container breaks the protocol.

    `at_end` is called when the program is over and its files are still to come.
    """
    raw.files = exchange.results
    longest = (limits.state_bytes if carries else 0) + _SAID
    while not raw.record:
        kind, payload = await stream.receive(longest)
        if kind in (frames.STDOUT, frames.STDERR):
            (raw.stdout if kind == frames.STDOUT else raw.stderr).extend(payload)
            on_output(kind, payload)
            if len(raw.stdout) + len(raw.stderr) > limits.flood_bytes + _SAID:
                raw.stopped = "output_flood"
                return
        elif kind == frames.STARTED:
            raw.started = True
        elif kind == frames.ENDED and not raw.ended:
            raw.ended = True
            at_end()
        elif kind == frames.WANTED:
            await exchange.send(payload)
        elif kind == frames.ARTIFACT:
            await exchange.receive(payload)
        elif kind == frames.VARIABLES and carries and raw.variables is None:
            raw.variables = _named(payload)
        elif kind == frames.EXIT:
            raw.record = _record(payload)
        elif connections is None or not connections.take(kind, payload):
            raise ContainerLost(f"The container sent a frame of an unknown kind, {kind!r}.")


def _installed(ready: dict[str, object]) -> dict[str, str]:
    packages = ready.get("packages")
    return {"Python": str(ready.get("python"))} | (packages if isinstance(packages, dict) else {})


def _named(payload: bytes) -> tuple[str, bytes]:
    try:
        return frames.parse_named(payload)
    except ValueError as error:
        raise ContainerLost(f"The container sent a broken frame: {error}.") from error


def _record(payload: bytes) -> dict[str, object]:
    record = parsed(payload)
    if "status" not in record:
        raise ContainerLost("The container's record does not say how the program ended.")
    return record


def decoded(on_output: Callable[[str], None] | None) -> OnOutput:
    """Decode the bytes of two streams incrementally, since a character may be cut in two."""
    if on_output is None:
        return lambda _kind, _chunk: None
    decoders = {
        kind: codecs.getincrementaldecoder("utf-8")("replace") for kind in (frames.STDOUT, frames.STDERR)
    }

    def passed_on(kind: bytes, chunk: bytes) -> None:
        if text := decoders[kind].decode(chunk):
            on_output(text)

    return passed_on
