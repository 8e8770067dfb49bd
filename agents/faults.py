"""What a failed model request means: worth another try, or a sentence for the person who waits.

Owns the reading of the endpoint's errors. Never retries by itself: that is `agents.endpoint`.
"""

from __future__ import annotations

import math
import re
import time
from collections.abc import Iterable
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

import aiohttp
import httpx2
import openai

from agents import phrases
from agents.errors import (
    ContextTooLong,
    CredentialsRefused,
    ModelError,
    ModelUnavailable,
    QuotaExhausted,
    RequestRefused,
    ToolsUnsupported,
    UnknownModel,
)
from agents.excerpt import one_line
from agents.redirects import RedirectRefused
from agents.wire.stream import CutStream, ErrorInside, NoReply, Unreadable

#: Gemini says "exceeded your current quota" for its limits per minute too, and then how long to wait.
_RETRY_IN = re.compile(r"(?:retry in |\"?retrydelay\"?\W+)(\d+(?:\.\d+)?)s")
_RETRIED_STATUS = {408, 409, 425, 429}
#: No wait is longer than this, whatever Retry-After says; a task's own deadline may be shorter.
LONGEST_WAIT = 60.0


@dataclass(frozen=True, slots=True)
class Passing:
    """A fault that may be gone on the next try; `wait` is what the endpoint asked for, if it did."""

    why: str
    wait: float | None = None
    is_pace: bool = False
    """True when the endpoint is well and asks us to be slower."""


def is_the_endpoints(error: Exception) -> bool:
    """Whether an error came from asking, and not from a mistake in our own code."""
    kinds = (
        openai.APIError, httpx2.HTTPError, httpx2.StreamError, aiohttp.ClientError, CutStream, ErrorInside,
        RedirectRefused, OSError, ValueError,
    )  # fmt: skip
    return isinstance(error, kinds)


def is_about_the_model(error: openai.APIStatusError) -> bool:
    """Whether a 404 means the model, and not the path."""
    said = words(error).lower()
    return any(one in said for one in phrases.MODEL) or bool(
        re.search(r"model .*(not found|not exist)", said)
    )


def read(error: Exception, model: str) -> Passing | ModelError:
    """Sort one failed request. Raises nothing; errors that are not the endpoint's are not for here."""
    match error:
        case RedirectRefused():
            return RequestRefused(
                f"The model service sends requests on to {error}. Whoever runs Handoff needs to set "
                "OPENAI_BASE_URL to the address that answers.",
                detail=str(error),
            )
        case NoReply():
            return Passing(str(error))
        case Unreadable():
            return Passing("the model service sent something unreadable")
        case CutStream():
            return Passing(f"the reply was cut ({error})")
        case ErrorInside():
            return _read_inside(error, model)
        case openai.APIStatusError():
            return _read_status(error, model)
    return Passing(_below_http(error))


def _below_http(error: BaseException) -> str:
    """What went wrong with the connection, by its first cause: the client's transport calls every one of them
    a timeout, a refused connection and an unknown host among them."""
    while error.__cause__ is not None and not isinstance(error, aiohttp.ClientError):
        error = error.__cause__
    match error:
        case TimeoutError():
            return "the model service did not answer in time"
        case httpx2.TooManyRedirects():
            return "the model service sends every request on to another address"
        case aiohttp.ClientConnectorCertificateError():
            return "the certificate of the model service is not one that is trusted here"
        case aiohttp.ClientConnectorError() | openai.APIConnectionError():
            return "the model service can't be reached"
    return "the connection to the model service broke"


def _read_inside(error: ErrorInside, model: str) -> Passing | ModelError:
    is_pace = "429" in str(error.code) or "rate_limit" in str(error.code)
    if (refusal := _read_words(str(error), model, is_pace=is_pace)) is not None:
        return refusal
    why = _pace(429) if is_pace else f"the model service broke off ({one_line(str(error), 200)})"
    return Passing(why, is_pace=is_pace)


def _read_status(error: openai.APIStatusError, model: str) -> Passing | ModelError:
    status, said = error.status_code, words(error)
    if status == 429 and (soon := _RETRY_IN.search(f"{said} {error.body}".lower())):
        return Passing(_pace(status), float(soon[1]), is_pace=True)
    if status == 429 and _is_dashscopes_pace(f"{error.request.url.host} {said}".lower()):
        return Passing(_pace(status), _retry_after(error), is_pace=True)
    if (refusal := _read_words(said, model, is_pace=status == 429)) is not None:
        return refusal
    if status in _RETRIED_STATUS or status >= 500:
        return Passing(_pace(status), _retry_after(error), is_pace=status == 429)
    match status:
        case 401 | 403:
            return _credentials(said)
        case 402:
            return _quota(said)
        case 404:
            return _unknown_model(said, model)
        case 413:
            return _too_long(said, model)
    return RequestRefused(
        f"The model service refused the request ({status}). Whoever runs Handoff finds its words in the log.",
        detail=said,
    )


def words(error: openai.APIStatusError) -> str:
    """All that the service said. The client's own message has it for OpenAI's form of an error alone: Gemini
    sends a list, FastAPI's servers a `detail`, OpenRouter what a vendor said inside its own."""
    own = f"{error.status_code} {error.code} {error.type} {error.message}"
    told = " ".join(found for found in _told(error.body) if found not in own)
    return f"{own} {one_line(told, 2000)}".strip()


def _told(body: object, deep: int = 0) -> list[str]:
    if isinstance(body, str):
        return [] if body.lstrip().startswith("<") else [one_line(body, 1000)]
    if isinstance(body, dict) and deep < 8:
        return [found for key in phrases.TELLING for found in _told(body.get(key), deep + 1)]
    if isinstance(body, list) and deep < 8:
        return [found for one in body[:20] for found in _told(one, deep + 1)]
    return []


def _is_dashscopes_pace(low: str) -> bool:
    return any(known in low for known in phrases.DASHSCOPE) and "free" not in low


def _read_words(said: str, model: str, *, is_pace: bool = False) -> ModelError | None:
    low = said.lower()

    def has(known: Iterable[str]) -> bool:
        return any(one in low for one in known)

    if has(phrases.QUOTA):
        return _quota(said)
    if phrases.TOO_LARGE in low or (not is_pace and has(phrases.CONTEXT)):
        return _too_long(said, model)
    if has(phrases.FILTER):
        return _filtered(said)
    if has(phrases.CREDENTIALS):
        return _credentials(said)
    if has(phrases.TOOLS):
        return _no_tools(said, model)
    if has(phrases.MODEL):
        return _unknown_model(said, model)
    return None


def _quota(said: str) -> ModelError:
    return QuotaExhausted(
        "The account at the model service has no credit left. Whoever runs Handoff needs to top it up "
        "or set another key.",
        detail=said,
    )


def _too_long(said: str, model: str) -> ModelError:
    return ContextTooLong(
        f"The conversation has grown longer than the model {model} can read. Start a new thread with the "
        "part that matters, or attach long text as a file.",
        detail=said,
    )


def _filtered(said: str) -> ModelError:
    return RequestRefused(
        "The content filter of the model service refused this conversation. Put the request in other words, "
        "or leave out the part that may have set it off.",
        detail=said,
    )


def _no_tools(said: str, model: str) -> ModelError:
    return ToolsUnsupported(
        f"The model {model} can't call tools at this service, and agents work by calling them. Whoever runs "
        "Handoff needs to set another HANDOFF_MODEL, or to start vLLM with --enable-auto-tool-choice and "
        "--tool-call-parser.",
        detail=said,
    )


def _credentials(said: str) -> ModelError:
    return CredentialsRefused(
        "The model service refused the API key. Whoever runs Handoff needs to check OPENAI_API_KEY and "
        "OPENAI_BASE_URL.",
        detail=said,
    )


def _unknown_model(said: str, model: str) -> ModelError:
    return UnknownModel(
        f"The model service does not know the model {model}. Whoever runs Handoff needs to check "
        "HANDOFF_MODEL and OPENAI_BASE_URL.",
        detail=said,
    )


def _pace(status: int) -> str:
    return (
        "the model service asks us to slow down" if status == 429 else f"the model service fails ({status})"
    )


def _retry_after(error: openai.APIStatusError) -> float | None:
    """Seconds, from any of the three forms in use; None when there is none that can be read."""
    headers = error.response.headers
    try:
        if "retry-after-ms" in headers:
            seconds = float(headers["retry-after-ms"]) / 1000
        else:
            seconds = float(headers.get("retry-after", ""))
    except ValueError:
        return _seconds_until(headers.get("retry-after", ""))
    return None if math.isnan(seconds) else seconds


def _seconds_until(date: str) -> float | None:
    try:
        return parsedate_to_datetime(date).timestamp() - time.time()
    except (ValueError, OverflowError):
        return None


def given_up(why: str, tries: int) -> ModelUnavailable:
    """The end of a row of passing faults."""
    after = f" in {tries} tries" if tries > 1 else ""
    return ModelUnavailable(
        f"The model gave no usable reply{after}: {why}. Try again in a few minutes.", detail=why
    )
