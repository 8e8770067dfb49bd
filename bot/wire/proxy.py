"""The forward proxy of the environment (HTTP_PROXY, HTTPS_PROXY, NO_PROXY), for Slack's SDK.

The SDK reads HTTPS_PROXY and no NO_PROXY, and knows no other spelling.
"""

from __future__ import annotations

from urllib.parse import urlsplit
from urllib.request import getproxies_environment, proxy_bypass

from slack_sdk.web.async_client import AsyncWebClient

_HTTP_OF = {"ws": "http", "wss": "https"}


def proxy_for(url: str) -> str | None:
    """The proxy for a URL; None to connect directly."""
    parts, proxies = urlsplit(url), getproxies_environment()
    if not parts.hostname or proxy_bypass(parts.netloc.rpartition("@")[2]):
        return None
    scheme = _HTTP_OF.get(parts.scheme, parts.scheme)
    return proxies.get(scheme) or proxies.get("all")


def web_client(base_url: str) -> AsyncWebClient:
    """Slack's client without a token."""
    client = AsyncWebClient(base_url=base_url)
    client.proxy = proxy_for(client.base_url)
    return client
