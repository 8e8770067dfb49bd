"""Which redirects of a model service are followed: those that bring the whole request to the same service.

Any other would ask without the question, since 301 to 303 turn a POST into a GET, or would hand the
conversation to another host, without the API key. Never follows one: the client does.
"""

from __future__ import annotations

import httpx2


class RedirectRefused(Exception):
    """A redirect that is not followed; its text is the address it leads to, without a query."""


async def stay(response: httpx2.Response) -> None:
    """For the client's hooks. Raises `RedirectRefused`."""
    if not response.has_redirect_location:
        return
    here = response.request.url
    there = here.join(response.headers["location"])
    is_same = (there.scheme, there.host, there.port) == (here.scheme, here.host, here.port)
    # Default ports are None. The client keeps the key on this way too.
    is_upgrade = (here.scheme, here.port, there.scheme, there.port) == ("http", None, "https", None)
    if response.status_code in (307, 308) and (is_same or (is_upgrade and there.host == here.host)):
        return
    raise RedirectRefused(f"{there.scheme}://{there.netloc.decode()}{there.path}")
