"""The program's way out: a port on the container's loopback, whose connections the link carries to the host.

Each side sends at most `frames.WINDOW` bytes of a connection ahead of what the other has passed on, so that
a program that does not read holds up neither its output nor its other connections.
"""

from __future__ import annotations

import _socket
import os
import select

from . import frames

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .link import Link

_BACKLOG = 128
_MOST = 256  # open connections; further ones wait until one ends
_SEGMENT = 4096
_GRANT_BYTES = frames.WINDOW // 4


class ProxyConnection:
    """One connection of the program, and what each direction has left to do."""

    def __init__(self, number: int, descriptor: int) -> None:
        self.number = number.to_bytes(4, "big")
        self.socket = _socket.socket(_socket.AF_INET, _socket.SOCK_STREAM, 0, descriptor)
        self.events = 0
        self.unsent = bytearray()
        """From the host, and not yet taken by the program."""
        self.passed_on = 0
        """Bytes that the program has taken since the last grant to the host."""
        self.credit = frames.WINDOW
        """Bytes that may be sent to the host."""
        self.program_ended = self.host_ended = False


class Network:
    """All connections of one program. `ready` is readable when `serve` has something to do."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._listening = _socket.socket(_socket.AF_INET, _socket.SOCK_STREAM | _socket.SOCK_NONBLOCK)
        # With the small buffers that containers have, whole segments of loopback would wait for room.
        self._listening.setsockopt(_socket.IPPROTO_TCP, _socket.TCP_MAXSEG, _SEGMENT)
        self._listening.bind(("127.0.0.1", 0))
        self._listening.listen(_BACKLOG)
        self.port: int = self._listening.getsockname()[1]
        self._epoll = select.epoll()
        self.ready = self._epoll.fileno()
        self._epoll.register(self._listening.fileno(), select.EPOLLIN)
        self._made = 0
        self._by_descriptor: dict[int, ProxyConnection] = {}
        self._by_number: dict[bytes, ProxyConnection] = {}

    def serve(self) -> None:
        """Accept new connections, and pass on what can be."""
        for descriptor, events in self._epoll.poll(0):
            if descriptor == self._listening.fileno():
                self._accept()
            elif (connection := self._by_descriptor.get(descriptor)) is not None:
                self._serve(connection, events)

    def take(self, kind: bytes, payload: bytes) -> bool:
        """Take a frame of the host; False when it is none of a connection."""
        if kind not in frames.OF_CONNECTIONS:
            return False
        connection = self._by_number.get(payload[:4])
        if connection is None:  # the program has dropped it
            return True
        if kind == frames.CARRIED:
            connection.unsent += payload[4:]
        elif kind == frames.GRANTED:
            connection.credit += int.from_bytes(payload[4:], "big")
        elif kind == frames.HALF_CLOSED:
            connection.host_ended = True
        else:
            self._forget(connection)
            return True
        self._write(connection)
        return True

    def _accept(self) -> None:
        if len(self._by_number) >= _MOST:
            self._epoll.modify(self._listening.fileno(), 0)
            return
        try:
            descriptor, _ = self._listening._accept()  # type: ignore[attr-defined]
        except OSError:  # the program has gone, or there are too many descriptors
            return
        os.set_blocking(descriptor, False)
        self._made += 1
        connection = ProxyConnection(self._made, descriptor)
        connection.socket.setsockopt(_socket.IPPROTO_TCP, _socket.TCP_NODELAY, 1)
        self._by_descriptor[descriptor] = self._by_number[connection.number] = connection
        self._epoll.register(descriptor, 0)
        self._link.send(frames.OPENED, connection.number)
        self._await_events(connection)

    def _serve(self, connection: ProxyConnection, events: int) -> None:
        if events & select.EPOLLIN:
            self._read(connection)
        elif events & (select.EPOLLERR | select.EPOLLHUP):
            self._drop(connection)
            return
        if events & select.EPOLLOUT:
            self._write(connection)

    def _read(self, connection: ProxyConnection) -> None:
        try:
            chunk = connection.socket.recv(min(frames.CHUNK, connection.credit))
        except BlockingIOError:
            return
        except OSError:
            self._drop(connection)
            return
        if chunk:
            connection.credit -= len(chunk)
            self._link.send(frames.CARRIED, connection.number + chunk)
        else:
            connection.program_ended = True
            self._link.send(frames.HALF_CLOSED, connection.number)
        self._await_events(connection)

    def _write(self, connection: ProxyConnection) -> None:
        try:
            while connection.unsent:
                sent = connection.socket.send(connection.unsent)
                del connection.unsent[:sent]
                connection.passed_on += sent
        except BlockingIOError:
            pass
        except OSError:
            self._drop(connection)
            return
        if connection.passed_on >= _GRANT_BYTES:
            self._link.send(frames.GRANTED, connection.number + connection.passed_on.to_bytes(4, "big"))
            connection.passed_on = 0
        if connection.host_ended and not connection.unsent:
            if connection.program_ended:
                self._forget(connection)
                return
            try:
                connection.socket.shutdown(_socket.SHUT_WR)
            except OSError:
                self._drop(connection)
                return
        self._await_events(connection)

    def _await_events(self, connection: ProxyConnection) -> None:
        reads = not connection.program_ended and connection.credit > 0
        events = (select.EPOLLIN if reads else 0) | (select.EPOLLOUT if connection.unsent else 0)
        if connection.program_ended and connection.host_ended and not connection.unsent:
            self._forget(connection)
        elif events != connection.events:
            connection.events = events
            self._epoll.modify(connection.socket.fileno(), events)

    def _drop(self, connection: ProxyConnection) -> None:
        self._link.send(frames.RESET, connection.number)
        self._forget(connection)

    def _forget(self, connection: ProxyConnection) -> None:
        if self._by_number.pop(connection.number, None) is not None:
            del self._by_descriptor[connection.socket.fileno()]
            connection.socket.close()
            self._epoll.modify(self._listening.fileno(), select.EPOLLIN)
