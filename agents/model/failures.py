"""Reads the errors of the OpenAI client: a `Refusal` by the service, or a `Transient` failure on the way."""

from __future__ import annotations

import aiohttp
import httpx2
import openai

from agents.model.refusals import INSIDE, Refusal, Transient
from agents.model.waits import asked_wait, wait_in
from agents.model.wire.stream import CutStream, ErrorInside, NoReply, SilentStream, Unreadable
from text.excerpt import one_line


class RedirectRefused(Exception):
    """A redirect that is not followed, with its status and the address it leads to, without a query."""

    def __init__(self, status: int, address: str) -> None:
        super().__init__(address)
        self.status = status


def is_from_service(error: Exception) -> bool:
    """Whether an error comes from the request, and not from a mistake in our own code."""
    kinds = (
        openai.APIError, httpx2.HTTPError, httpx2.StreamError, aiohttp.ClientError, CutStream, ErrorInside,
        RedirectRefused, OSError, ValueError,
    )  # fmt: skip
    return isinstance(error, kinds)


def read(error: Exception) -> Refusal | Transient:
    """A refusal by the service, or a failure on the way to it or back."""
    match error:
        case RedirectRefused():
            return Refusal(error.status, str(error))
        case ErrorInside():
            slows_down = "429" in str(error.code) or "rate_limit" in str(error.code)
            return Refusal(429 if slows_down else INSIDE, str(error), wait=wait_in(str(error)))
        case openai.APIStatusError():
            words = _words(error)
            wait = asked_wait(error.status_code, words, error.response.headers)
            return Refusal(error.status_code, words, error.request.url.host, wait)
        case NoReply():
            return Transient(str(error))
        case Unreadable():
            return Transient("the model service sent something unreadable")
        case SilentStream():
            return Transient(f"the model service sent nothing for {error}")
        case CutStream():
            return Transient(f"the reply was cut ({error})")
    return Transient(_connection_failure(error))


async def refuse_redirects(response: httpx2.Response) -> None:
    """A response hook that raises `RedirectRefused` unless the whole request goes to the same service again.

    301 to 303 turn a POST into a GET; another host would get the conversation.
    """
    if not response.has_redirect_location:
        return
    here = response.request.url
    there = here.join(response.headers["location"])
    is_same = (there.scheme, there.host, there.port) == (here.scheme, here.host, here.port)
    # Default ports are None. The client keeps the key on this way too.
    is_upgrade = (here.scheme, here.port, there.scheme, there.port) == ("http", None, "https", None)
    if response.status_code in (307, 308) and (is_same or (is_upgrade and there.host == here.host)):
        return
    address = f"{there.scheme}://{there.netloc.decode()}{there.path}"
    raise RedirectRefused(response.status_code, address)


#: Fields of an error's body with the service's words. Others repeat the request, whose words mean nothing.
_FIELDS = (
    "error", "message", "msg", "detail", "details", "code", "type", "status", "reason", "raw", "metadata",
    "innererror", "param", "loc",
)  # fmt: skip


def _words(error: openai.APIStatusError) -> str:
    """All that the service said. The client's own message has it for OpenAI's form of an error alone: Gemini
    sends a list, FastAPI's servers a `detail`, OpenRouter what a vendor said inside its own."""
    own = f"{error.status_code} {error.code} {error.type} {error.message}"
    more = " ".join(found for found in _texts(error.body) if found not in own)
    return f"{own} {one_line(more, 2000)}".strip()


def _texts(body: object, depth: int = 0) -> list[str]:
    if isinstance(body, str):
        return [] if body.lstrip().startswith("<") else [one_line(body, 1000)]
    if isinstance(body, dict) and depth < 8:
        delay = [f"retry in {body['retryDelay']}"] if "retryDelay" in body else []  # Gemini's `RetryInfo`
        return delay + [found for key in _FIELDS for found in _texts(body.get(key), depth + 1)]
    if isinstance(body, list) and depth < 8:
        return [found for one in body[:20] for found in _texts(one, depth + 1)]
    return []


def _connection_failure(error: BaseException) -> str:
    """What went wrong with the connection, by its first cause: the client's transport reports each failure
    as a timeout, a refused connection and an unknown host among them."""
    while error.__cause__ is not None and not isinstance(error, aiohttp.ClientError):
        error = error.__cause__
    match error:
        case TimeoutError():
            return "the model service did not answer in time"
        case httpx2.TooManyRedirects():
            return "the model service redirects every request to another address"
        case aiohttp.ClientConnectorCertificateError():
            return "the certificate of the model service is not trusted here"
        case aiohttp.ClientConnectorError() | openai.APIConnectionError():
            return "the model service can't be reached"
    return "the connection to the model service broke"
