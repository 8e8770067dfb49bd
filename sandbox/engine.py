"""The Docker client: docker-py's blocking calls in daemon threads, its exceptions as SandboxError."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self, TypeVar

import docker
import docker.errors
import requests
import urllib3.exceptions
from docker.utils import kwargs_from_env

from sandbox.attach_socket import attached
from sandbox.daemon_threads import DaemonThreads
from sandbox.errors import EngineRefused, EngineUnavailable, ImageMissing, PlaceTaken
from sandbox.tunnel import Tunnel

LABEL = "handoff.sandbox"
_LOCAL = "unix:///var/run/docker.sock"
T = TypeVar("T")
_THREADS = 8  # a small engine answers so many at once without queueing
#: urllib3's own: docker-py reads streamed answers past requests' error handling.
_FAULTS = (
    docker.errors.DockerException,
    requests.RequestException,
    urllib3.exceptions.HTTPError,
    OSError,
)
_SECONDS = 60  # a start on a loaded machine takes a few
_LEAVE_SECONDS = 1  # for abandoned requests to end, so that their connections are closed


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineFacts:
    """Version, machine and features of the engine."""

    version: str
    system: str
    architecture: str
    """As the kernel names it: `x86_64`, `aarch64`."""
    cpus: int
    seccomp: bool
    cgroup_v1: bool
    runtimes: frozenset[str]
    """Names of its container runtimes, without the shims of containerd that newer engines take too."""


class _Client(docker.APIClient):  # type: ignore[misc, unused-ignore]
    """docker-py's client with `trust_env` off: proxies and CA bundles of the environment are for the web,
    and would break the connection to an engine behind TLS."""

    @property
    def trust_env(self) -> bool:
        return False

    @trust_env.setter
    def trust_env(self, value: bool) -> None:
        """Ignore the session's own True."""


class DockerEngine:
    """A Docker engine. Every method raises EngineUnavailable when it can't be reached."""

    def __init__(self, docker_host: str | None = None, *, seconds: int = _SECONDS) -> None:
        """`docker_host` as in `DOCKER_HOST`, read when this is None; `seconds` bounds each answer."""
        self._seconds = seconds
        environment = dict(os.environ)
        if docker_host:
            environment["DOCKER_HOST"] = docker_host
        self.address = environment.get("DOCKER_HOST") or "the local Docker socket"
        try:
            self._settings = kwargs_from_env(environment=environment)
        except (docker.errors.DockerException, ValueError) as error:
            raise EngineUnavailable(
                f"Docker can't be reached at {self.address}: {_root_cause(error)}. "
                "Correct DOCKER_HOST, DOCKER_TLS_VERIFY and DOCKER_CERT_PATH."
            ) from error
        self._tunnel = Tunnel(self.address) if self.address.startswith("ssh://") else None
        self._threads = DaemonThreads(_THREADS, "sandbox-engine")
        self._pending: set[asyncio.Timeout] = set()
        self._until: float | None = None
        self._connecting = threading.Lock()
        self._connected: Any = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._threads.ended(_LEAVE_SECONDS)
        if self._connected is not None:
            self._connected.close()
        if self._tunnel is not None:
            await asyncio.to_thread(self._tunnel.close)

    @property
    def client(self) -> Any:
        """docker-py's low-level client. Connects at first use, so that the engine may start later.

        Blocks; use it inside `call` only.
        """
        with self._connecting:
            if self._connected is None:
                settings = self._settings
                if self._tunnel is not None:
                    settings = {"base_url": f"unix://{self._tunnel.path()}"}
                self._connected = _Client(version="auto", timeout=self._seconds, max_pool_size=64, **settings)
            return self._connected

    def _probe(self) -> None:
        """Raise OSError when a local socket has no listener; docker-py would too, but leak its socket."""
        if self._tunnel is not None:
            self._tunnel.path()
        address = str(self._settings.get("base_url", _LOCAL))
        if address.startswith("unix://"):
            with socket.socket(socket.AF_UNIX) as probe:
                probe.connect(address.removeprefix("unix://"))

    @property
    def local(self) -> bool:
        """Whether the engine is reached by a socket file, and so may share this machine's file system."""
        return str(self._settings.get("base_url", _LOCAL)).startswith("unix://")

    def hurry(self, seconds: float) -> None:
        """Set one deadline for all requests, those under way included."""
        self._until = asyncio.get_running_loop().time() + seconds
        for timeout in self._pending:
            timeout.reschedule(self._until)

    async def call(self, work: Callable[[], T]) -> T:
        """Run a blocking request in a thread; raises SandboxError with a sentence."""

        def probe_and_work() -> T:
            self._probe()
            return work()

        try:
            return await self._in_time(probe_and_work)
        except docker.errors.ImageNotFound as error:
            raise ImageMissing(
                f"Docker has no such image ({error.explanation}). Build it with: handoff sandbox build"
            ) from error
        except docker.errors.APIError as error:
            raise EngineRefused(f"Docker refused a request: {error.explanation or error}") from error
        except _FAULTS as error:
            raise EngineUnavailable(
                f"Docker can't be reached at {self.address}: {_root_cause(error)}. "
                "Start it, or point DOCKER_HOST at a running engine."
            ) from error

    async def _in_time(self, work: Callable[[], T]) -> T:
        try:
            async with asyncio.timeout_at(self._until) as timeout:
                self._pending.add(timeout)
                try:
                    return await self._threads.call(work)
                finally:
                    self._pending.discard(timeout)
        except TimeoutError:
            if timeout.expired():
                raise EngineUnavailable(
                    f"Docker at {self.address} did not answer before Handoff had to end."
                ) from None
            raise

    async def facts(self) -> EngineFacts:
        """Version, machine and features."""
        info = await self.call(lambda: self.client.info())
        return EngineFacts(
            version=str(info.get("ServerVersion", "")),
            system=str(info.get("OperatingSystem", "")),
            architecture=str(info.get("Architecture", "")),
            cpus=int(info.get("NCPU", 0)),
            seccomp=any("seccomp" in option for option in info.get("SecurityOptions") or ()),
            cgroup_v1=info.get("CgroupVersion") == "1",
            runtimes=frozenset(info.get("Runtimes") or ()),
        )

    async def create(self, settings: Mapping[str, Any], name: str | None = None) -> str:
        """Create a container from settings of the engine's API; returns its id.

        Raises PlaceTaken when another container of the engine has `name`.
        """

        def create() -> str:
            try:
                return str(self.client.create_container_from_config(dict(settings), name)["Id"])
            except docker.errors.APIError as error:
                if name is None or error.status_code != 409:
                    raise
                raise PlaceTaken(f"Another container has the name {name}.") from error

        return await self.call(create)

    async def attach(self, container: str) -> socket.socket:
        """The container's standard streams as one socket that asyncio can read."""
        wanted = {"stdin": 1, "stdout": 1, "stderr": 1, "stream": 1}
        return await attached(self.call, lambda: self.client.attach_socket(container, wanted))

    async def start(self, container: str) -> None:
        """Start a created container."""
        await self.call(lambda: self.client.start(container))

    async def remove(self, container: str) -> None:
        """Kill and remove a container, if it still exists."""

        def remove() -> None:
            with contextlib.suppress(docker.errors.NotFound):
                try:
                    self.client.remove_container(container, force=True)
                except docker.errors.APIError as error:
                    if error.status_code != 409:  # 409: removal is already in progress
                        raise

        await self.call(remove)

    async def listed(self) -> list[dict[str, Any]]:
        """The containers of all owners on this engine, as the engine lists them."""
        found = await self.call(lambda: self.client.containers(all=True, filters={"label": LABEL}))
        return [dict(container) for container in found]

    async def ran_out_of_memory(self, container: str, since: float) -> bool:
        """Whether the engine logged an out-of-memory kill of `container`, which may be removed already."""

        def look() -> bool:
            # A second into the future: the engine's clock decides when the stream ends.
            wanted = {"since": int(since) - 1, "until": int(time.time()) + 1}
            events = self.client.events(filters={"container": container, "event": "oom"}, **wanted)
            return any(True for _ in events)

        return await self.call(look)

    async def memory(self, container: str) -> int | None:
        """Memory in bytes of a running container; None when it does not run or the engine can't say."""

        def look() -> int | None:
            # The answer is empty when the container ends during the request.
            with contextlib.suppress(docker.errors.NotFound, requests.exceptions.JSONDecodeError):
                stats = self.client.stats(container, stream=False, one_shot=True)
                return int(stats.get("memory_stats", {}).get("usage", 0)) or None
            return None

        return await self.call(look)

    async def image_id(self, name: str) -> str | None:
        """The id of an image by name; None when there is none."""

        def look() -> str | None:
            with contextlib.suppress(docker.errors.ImageNotFound):
                return str(self.client.inspect_image(name)["Id"])
            return None

        return await self.call(look)

    async def image_labels(self, name: str) -> Mapping[str, str]:
        """The labels of an image; empty when there is none of that name."""

        def look() -> Mapping[str, str]:
            with contextlib.suppress(docker.errors.ImageNotFound):
                return dict(self.client.inspect_image(name)["Config"].get("Labels") or {})
            return {}

        return await self.call(look)

    async def image_digest(self, name: str) -> str:
        """The registry's digest of an image, or its id when it comes from no registry."""

        def look() -> str:
            found = self.client.inspect_image(name)
            return str(next(iter(found.get("RepoDigests") or ()), found["Id"]))

        return await self.call(look)


def _root_cause(error: BaseException) -> str:
    """The text of the innermost cause, without the layers above it."""
    while error.__cause__ is not None or error.__context__ is not None:
        error = error.__cause__ or error.__context__ or error
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return text.strip().rstrip(".") or type(error).__name__
