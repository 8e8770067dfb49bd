"""The allow list of the network: hosts and ports that a task may reach."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Self

Address = IPv4Address | IPv6Address
#: The ports of an entry that names none.
WEB_PORTS = (80, 443)
_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
#: A last label that some resolvers read as a number, so that `0x7f.1` or `2130706433` would be an address:
#: url.spec.whatwg.org/#ends-in-a-number-checker.
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
#: Not of the public internet, beside what `ipaddress` knows: services of Oracle's and Azure's clouds
#: (learn.microsoft.com/azure/virtual-network/what-is-ip-address-168-63-129-16), site-local addresses, and
#: the old form of IPv4 in IPv6.
_NOT_PUBLIC = tuple(map(ip_network, ("192.0.0.0/24", "168.63.129.16/32", "fec0::/10", "::/96")))
#: IPv4 addresses written as IPv6: rfc-editor.org/rfc/rfc6052.
_NAT64 = IPv6Network("64:ff9b::/96")
_LONGEST_NAME = 253


@dataclass(frozen=True, slots=True)
class AllowEntry:
    """One entry: a name, an address, or all names below a domain."""

    host: str
    """In lower case, without a final dot; an address in its shortest form. `*.` before it: names below it."""
    ports: tuple[int, ...] = WEB_PORTS

    @classmethod
    def parse(cls, text: str) -> Self:
        """`host`, `host:port`, `*.host`, `10.0.0.5:8080`, `[::1]:443`; ValueError says what is wrong."""
        host, colon, port = text, "", ""
        if text.startswith("["):
            host, _, rest = text[1:].partition("]")
            colon, port = rest[:1], rest[1:]
        elif text.count(":") == 1:
            host, colon, port = text.partition(":")
        if colon and not (colon == ":" and port.isascii() and port.isdigit() and 0 < int(port) < 65536):
            raise ValueError(f"{text!r} has no port from 1 to 65535 after the host")
        domain = host.removeprefix("*.")
        name = normalized(domain)
        if host != domain and (address_of(name) is not None or "." not in name):
            raise ValueError(f"{text!r} is too wide: a wildcard needs a domain like *.example.com")
        return cls(host[: -len(domain)] + name, (int(port),) if port else WEB_PORTS)

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.ports == WEB_PORTS else f"{host}:{self.ports[0]}"

    def matches(self, host: str, port: int) -> bool:
        if port not in self.ports:
            return False
        return host.endswith(self.host[1:]) if self.host.startswith("*.") else host == self.host


@dataclass(frozen=True, slots=True)
class AllowList:
    """The hosts and ports that a task may reach; an empty one allows nothing."""

    entries: tuple[AllowEntry, ...] = ()
    asks: frozenset[str] = frozenset()
    """Hosts, on all ports, that a person has to allow before an entry counts for them."""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Entries separated by commas or spaces; ValueError says what is wrong with the first bad one."""
        return cls(tuple(AllowEntry.parse(entry) for entry in text.replace(",", " ").split()))

    def __str__(self) -> str:
        return ", ".join(map(str, self.entries))

    def __bool__(self) -> bool:
        return bool(self.entries)

    def allows(self, host: str, port: int) -> bool:
        """Whether an entry names this host with this port. `host` is in the form of `normalized`."""
        return any(entry.matches(host, port) for entry in self.entries)

    def names(self, host: str) -> bool:
        """Whether an entry names this host with some port."""
        return any(entry.matches(host, entry.ports[0]) for entry in self.entries)

    def allows_address(self, address: Address, port: int) -> bool:
        """Whether a connection to the address may be made: it is public, or an entry is this very address.

        Private, loopback, link-local, multicast and reserved addresses are not public, nor are those of cloud
        metadata services, in whatever form of IPv6 they come.
        """
        host = str(address)
        return is_public(address) or (self.allows(host, port) and host not in self.asks)


def normalized(host: str) -> str:
    """A host in the one form that is compared; ValueError when it is neither a name nor an address.

    Decimal, octal, hexadecimal and shortened forms of addresses are neither.
    """
    bare = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    if (address := address_of(bare)) is not None:
        return str(address)
    try:
        name = bare.removesuffix(".").encode("idna").decode().lower()
    except UnicodeError:
        name = ""
    labels = name.split(".")
    if len(name) > _LONGEST_NAME or not all(map(_LABEL.fullmatch, labels)) or _NUMBER.fullmatch(labels[-1]):
        raise ValueError(f"{host[:100]!r} is no name of a host and no address in its usual form")
    return name


def address_of(host: str) -> Address | None:
    """The address that `host` is, IPv4 in four decimal numbers; None when it is a name."""
    try:
        address = ip_address(host)
    except ValueError:
        return None
    # A zone names a network interface of this machine.
    return None if isinstance(address, IPv6Address) and address.scope_id else _plain(address)


def is_public(address: Address) -> bool:
    """Whether the address is one of the public internet."""
    address = _plain(address)
    return address.is_global and not address.is_multicast and not any(address in one for one in _NOT_PUBLIC)


def _plain(address: Address) -> Address:
    """The IPv4 address inside an IPv6 address that stands for one."""
    if isinstance(address, IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour or (address.teredo or (None, None))[1]
        if inner is None and address in _NAT64:
            inner = IPv4Address(int(address) & 0xFFFFFFFF)
        return inner or address
    return address
