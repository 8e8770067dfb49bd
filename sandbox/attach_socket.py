"""Turns docker-py's attach stream into a plain socket for asyncio; threads copy a TLS stream."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Awaitable, Callable
from typing import Any


async def attached(
    in_thread: Callable[[Callable[[], socket.socket]], Awaitable[socket.socket]], attach: Callable[[], Any]
) -> socket.socket:
    """The plain socket of what `attach` returns, called by `in_thread`.

    A thread goes on when its caller is cancelled; then its socket is closed.
    """
    opened: list[socket.socket] = []
    abandoned = threading.Event()

    def open_socket() -> socket.socket:
        opened.append(_plain(attach()))
        if abandoned.is_set():
            opened[0].close()
        return opened[0]

    try:
        return await in_thread(open_socket)
    except BaseException:
        abandoned.set()
        for connected in opened:
            connected.close()
        raise


def _plain(stream: Any) -> socket.socket:
    """The plain socket below docker-py's wrapper; a TLS stream is copied into a socket pair."""
    inner = getattr(stream, "_sock", stream)
    if type(inner) is socket.socket:
        plain = inner.dup()
        stream.close()
        inner.close()
        return plain
    return _pumped(inner)


def _pumped(remote: Any) -> socket.socket:
    ours, theirs = socket.socketpair()
    forth = threading.Thread(target=_pump, args=(remote.recv, theirs), daemon=True)
    forth.start()
    threading.Thread(target=_pump_back, args=(theirs, remote, forth), daemon=True).start()
    return ours


def _pump(receive: Callable[[int], bytes], to: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while chunk := receive(65536):
            to.sendall(chunk)
    with contextlib.suppress(OSError):
        to.shutdown(socket.SHUT_WR)


def _pump_back(source: socket.socket, remote: Any, forth: threading.Thread) -> None:
    """Copy until our end is closed, then close the connection."""
    with contextlib.suppress(OSError):
        while chunk := source.recv(65536):
            remote.sendall(chunk)
    with contextlib.suppress(OSError):
        remote.shutdown(socket.SHUT_RDWR)  # wakes the other thread, which closing would not
    with contextlib.suppress(OSError):
        # docker-py keeps the HTTP response, which holds the same socket open.
        if (reply := getattr(remote, "_response", None)) is not None:
            reply.close()
        remote.close()
    forth.join()
    source.close()
