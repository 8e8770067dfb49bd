"""The allow list of the network: what an entry means, and which addresses are public."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from sandbox.egress.allow_list import AllowList, is_public, normalized


@pytest.mark.parametrize(
    ("text", "host", "port", "allowed"),
    [
        ("example.com", "example.com", 443, True),
        ("example.com", "example.com", 80, True),
        ("example.com", "example.com", 8080, False),
        ("example.com", "api.example.com", 443, False),
        ("example.com", "badexample.com", 443, False),
        ("Example.COM.", "example.com", 443, True),
        ("example.com:8443", "example.com", 8443, True),
        ("example.com:8443", "example.com", 443, False),
        ("*.example.com", "api.example.com", 443, True),
        ("*.example.com", "a.b.example.com", 443, True),
        ("*.example.com", "example.com", 443, False),
        ("*.example.com", "badexample.com", 443, False),
        ("*.example.com:8443", "api.example.com", 8443, True),
        ("a.example, b.example", "b.example", 443, True),
        ("10.0.0.5:8080", "10.0.0.5", 8080, True),
        ("[::1]:443", "::1", 443, True),
        ("::1", "::1", 80, True),
        ("münchen.example", "xn--mnchen-3ya.example", 443, True),
        ("", "example.com", 443, False),
    ],
)
def test_an_entry_allows_its_host_with_its_ports(text: str, host: str, port: int, allowed: bool) -> None:
    assert AllowList.parse(text).allows(host, port) is allowed


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("*", "no name"),
        ("*.com", "too wide"),
        ("*.10.0.0.5", "too wide"),
        ("example.com:0", "no port"),
        ("example.com:https", "no port"),
        ("example.com:", "no port"),
        ("[::1]443", "no port"),
        ("https://example.com", "no port"),
        ("example.com/path", "no name"),
        ("exa*mple.com", "no name"),
        ("2130706433", "no name"),
    ],
)
def test_an_entry_that_means_nothing_is_refused_with_the_reason(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        AllowList.parse(text)


@pytest.mark.parametrize(
    "host",
    [
        "2130706433", "0x7f000001", "0x7f.1", "0177.0.0.1", "127.1", "127.0.0.01", "１２７.0.0.1", "1.2.3.0x",
        "fe80::1%eth0", "", ".", "a..b", "a b", "a\r\nb", "a\0b", "user@host", "-a.example", "x" * 64,
        "a." * 127 + "example",
    ],
)  # fmt: skip
def test_another_form_of_an_address_is_no_host(host: str) -> None:
    with pytest.raises(ValueError, match="no name of a host and no address"):
        normalized(host)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.100.100.200", "0.0.0.0",
        "192.0.0.192", "168.63.129.16", "224.0.0.1", "255.255.255.255", "::1", "::", "fe80::1",
        "fd00:ec2::254", "ff02::1", "::ffff:127.0.0.1", "::ffff:a9fe:a9fe", "64:ff9b::7f00:1",
        "64:ff9b::a9fe:a9fe", "2002:7f00:1::", "2002:a9fe:a9fe::1", "fec0::1", "::7f00:1",
    ],
)  # fmt: skip
def test_private_and_metadata_addresses_are_not_public(address: str) -> None:
    assert not is_public(ip_address(address))
    assert not AllowList.parse("*.example.com, example.com").allows_address(ip_address(address), 443)


@pytest.mark.parametrize("address", ["93.184.215.14", "2606:2800:21f:cb07::1", "::ffff:93.184.215.14"])
def test_addresses_of_the_internet_are_public(address: str) -> None:
    assert is_public(ip_address(address))


def test_a_private_address_is_allowed_when_an_entry_is_this_very_address() -> None:
    allow = AllowList.parse("wiki.internal, 10.0.0.5:443")
    assert allow.allows_address(ip_address("10.0.0.5"), 443)
    assert not allow.allows_address(ip_address("10.0.0.5"), 22)
    assert not allow.allows_address(ip_address("10.0.0.6"), 443)
