"""Turns docker-py's attach stream into a plain socket for asyncio; threads copy a TLS stream."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable
from typing import Any


def plain_socket(attached: Any) -> socket.socket:
    """The plain socket below docker-py's wrapper; a TLS stream is copied into a socket pair."""
    inner = getattr(attached, "_sock", attached)
    if type(inner) is socket.socket:
        plain = inner.dup()
        attached.close()
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
