"""PID 1's end of the stream to the host. Child processes close its descriptors."""

from __future__ import annotations

import _socket  # what `socket` is made of; that one costs every start milliseconds
import fcntl
import os
import select
import sys
import time

from . import frames

_FIRST_FREE = 64  # far from 0-2, so that no program finds the protocol by guessing at small numbers


class HostGone(Exception):
    """The host closed the stream."""


class Link:
    """Frames in and out over two descriptors, which may be the same socket."""

    def __init__(self, reading: int, writing: int) -> None:
        self.reading = reading
        self._writing = writing
        self._socket: _socket.socket | None = None

    @classmethod
    def take_over(cls, reading: int = 0, writing: int = 1) -> Link:
        """Move the descriptors the container was started with out of the way, closed on exec."""
        link = cls(
            fcntl.fcntl(reading, fcntl.F_DUPFD_CLOEXEC, _FIRST_FREE),
            fcntl.fcntl(writing, fcntl.F_DUPFD_CLOEXEC, _FIRST_FREE),
        )
        nothing = os.open(os.devnull, os.O_RDWR)
        for standard in {0, 1, reading, writing}:
            os.dup2(nothing, standard)
        os.close(nothing)
        return link

    @classmethod
    def connect(cls, path: str) -> Link:
        """Connect to the host's socket; the descriptors the container was started with lead nowhere then."""
        cls.take_over().close()
        connecting = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
        connecting.connect(path)
        both = fcntl.fcntl(connecting.fileno(), fcntl.F_DUPFD_CLOEXEC, _FIRST_FREE)
        connecting.close()
        link = cls(both, both)
        link._socket = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM, 0, both)
        return link

    def send(self, kind: bytes, payload: bytes = b"") -> None:
        """Write one frame whole; HostGone when the host has closed the stream."""
        view = memoryview(frames.frame(kind, payload))
        try:
            while view:
                view = view[os.write(self._writing, view) :]
        except OSError as error:
            raise HostGone from error

    def receive(self) -> tuple[bytes, bytes]:
        """Wait for one frame; HostGone at the end of the stream."""
        kind, length = frames.header(self._exactly(frames.HEADER))
        return kind, self._exactly(length)

    def receive_with_descriptor(self) -> tuple[bytes, bytes, int | None]:
        """Wait for one frame and the open file that may come with it, which is the caller's to close."""
        if self._socket is None:
            return *self.receive(), None
        space = _socket.CMSG_SPACE(4)
        first, ancillary, _, _ = self._socket.recvmsg(1, space, _socket.MSG_CMSG_CLOEXEC)
        if not first:
            raise HostGone
        kind, length = frames.header(first + self._exactly(frames.HEADER - 1))
        descriptors = [int.from_bytes(data[:4], sys.byteorder) for _, _, data in ancillary]
        return kind, self._exactly(length), descriptors[0] if descriptors else None

    def linger(self, seconds: float) -> None:
        """Wait until the host hangs up, `seconds` at most; what it still sends is dropped."""
        poll = select.poll()
        poll.register(self.reading, select.POLLIN)
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0 and poll.poll(left * 1000):
            if not os.read(self.reading, frames.CHUNK):
                return

    def close(self) -> None:
        """Close the descriptors, in a child that must not have them."""
        if self._socket is not None:
            self._socket.detach()
        for descriptor in {self.reading, self._writing}:
            os.close(descriptor)

    def _exactly(self, count: int) -> bytes:
        parts = bytearray()
        while len(parts) < count:
            chunk = os.read(self.reading, min(count - len(parts), 1 << 20))
            if not chunk:
                raise HostGone
            parts += chunk
        return bytes(parts)
