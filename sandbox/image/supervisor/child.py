"""The one process that runs the program: forked ahead, then waiting for its source.

Owns the fork and the pipes between the two sides; what the child says about itself is only a claim.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import sys

from . import kernel, variables

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

    from .link import Link

_READY = b"R"


class Child:
    """The supervisor's ends of the pipes, none of which blocks."""

    def __init__(
        self, pid: int, job: int, claim: int, stdout: int, stderr: int, carried: variables.Variables
    ) -> None:
        self.pid = pid
        self.variables = carried
        self.claim = claim
        self.stdout = stdout
        self.stderr = stderr
        self._job = job

    def start(self, source: bytes, most: int, prefix: str, port: int) -> None:
        """Hand the source over; the child starts at once.

        It keeps `most` bytes of variables, and `prefix` begins the names of the figures that it saves. `port`
        leads to the network; 0: nothing does.
        """
        begin = prefix.encode()
        sizes = b"".join(number.to_bytes(8, "big") for number in (most, port, len(begin), len(source)))
        view = memoryview(sizes + begin + source)
        while view:
            view = view[os.write(self._job, view) :]
        os.close(self._job)


def spawn(link: Link, flavour: str) -> Child:
    """Fork, and return once the child waits for its source, with what `flavour` has imported."""
    job, claim, out, err = os.pipe(), os.pipe(), os.pipe(), os.pipe()
    carried = variables.Variables()
    pid = os.fork()
    if pid == 0:
        link.close()
        for ours in (job[1], claim[0], out[0], err[0]):
            os.close(ours)
        _live(job[0], claim[1], out[1], err[1], carried.descriptor, flavour)
    for theirs in (job[0], claim[1], out[1], err[1]):
        os.close(theirs)
    if os.read(claim[0], 1) != _READY:
        raise RuntimeError("the program's process ended before it was ready")
    for ours in (claim[0], out[0], err[0]):
        os.set_blocking(ours, False)
    return Child(pid, job[1], claim[0], out[0], err[0], carried)


def _live(job: int, claim: int, out: int, err: int, memory: int, flavour: str) -> NoReturn:
    """The child from its birth to its end; never returns.

    What the program alone needs is imported here, unless the supervisor shares it: see `warm_up`.
    """
    from . import figures, notebook, packages, program, tables, warm_up

    kernel.set_dumpable(True)
    kernel.die_first()
    os.dup2(0, 2)
    # Away from 3 and 4, which programs that count descriptors expect to be free.
    job, claim, memory = _moved(job), _moved(claim), _moved(memory)
    pipe, me = os.fstat(claim), os.getpid()
    sys.dont_write_bytecode = True
    sys.argv = [program.NAME]
    sys.path[:1] = ["/work"]
    program.open_standard_streams()
    warm_up.in_child(flavour)
    os.dup2(out, 1)
    os.dup2(err, 2)
    os.close(out)
    os.close(err)
    os.chdir("/work")
    os.write(claim, _READY)
    source, most, prefix, port = _read_source(job)
    if port:
        _lead_out(port)
    figures.watch(prefix)
    tables.watch()
    notebook.watch()
    packages.watch()
    code = program.run(source, variables.Carried(memory, program.NAME, most) if most else None)
    # A fork of the program that ran to its end speaks for itself alone, and a program that closed every
    # descriptor may have opened a file of its own where the pipe was.
    with contextlib.suppress(OSError):
        if os.getpid() == me and os.path.samestat(os.fstat(claim), pipe):
            os.write(claim, json.dumps({"exit_code": code}).encode())
    os._exit(code)


def _moved(descriptor: int) -> int:
    moved = fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, 200)
    os.close(descriptor)
    return moved


def _lead_out(port: int) -> None:
    """The variables by which libraries and programs find a proxy."""
    for name in ("http_proxy", "https_proxy"):
        os.environ[name] = os.environ[name.upper()] = f"http://127.0.0.1:{port}"
    os.environ["no_proxy"] = os.environ["NO_PROXY"] = "localhost,127.0.0.1,::1"


def _read_source(job: int) -> tuple[str, int, str, int]:
    """The program, the bytes of variables it may leave, the prefix of its figures, the proxy's port."""
    with os.fdopen(job, "rb") as pipe:
        most, port, begin, length = (int.from_bytes(pipe.read(8), "big") for _ in range(4))
        prefix = pipe.read(begin).decode("utf-8", "replace")
        return pipe.read(length).decode("utf-8", "replace"), most, prefix, port
