"""The socket of a container's stream is closed when the call that opens it is cancelled."""

from __future__ import annotations

import asyncio
import socket
import threading

import pytest

from sandbox.attach_socket import attached
from sandbox.daemon_threads import DaemonThreads


async def test_a_socket_that_is_opened_after_its_caller_was_cancelled_is_closed() -> None:
    ours, theirs = socket.socketpair()
    theirs.settimeout(30)
    threads = DaemonThreads(1, "attach")
    called, go_on = threading.Event(), threading.Event()

    def attach() -> socket.socket:
        called.set()
        assert go_on.wait(30)
        return ours

    with theirs:
        opening = asyncio.create_task(attached(threads.call, attach))
        await asyncio.to_thread(called.wait, 30)
        opening.cancel()
        with pytest.raises(asyncio.CancelledError):
            await opening
        go_on.set()
        assert await threads.ended(30)
        assert await asyncio.to_thread(theirs.recv, 1) == b""
