"""What a failed model request means: worth another try, or a sentence for the person who waits.

Owns the reading of the endpoint's errors. Never retries by itself: that is `agents.endpoint`.
"""

from __future__ import annotations

from dataclasses import dataclass

import openai

from agents.errors import (
    ContextTooLong,
    CredentialsRefused,
    ModelError,
    ModelUnavailable,
    QuotaExhausted,
    RequestRefused,
    UnknownModel,
)
from agents.wire import CutStream

#: Words by which endpoints say that money, not pace, is the problem; they use 429 for both.
_QUOTA = ("insufficient_quota", "exceeded your current quota", "billing", "arrearage", "insufficient balance")
_CONTEXT = ("context_length", "maximum context", "context window", "too many tokens", "prompt is too long")
_RETRIED_STATUS = {408, 409, 425, 429}
#: No wait is longer than this, whatever Retry-After says; a task's own deadline may be shorter.
LONGEST_WAIT = 60.0


@dataclass(frozen=True, slots=True)
class Passing:
    """A fault that may be gone on the next try; `wait` is what the endpoint asked for, if it did."""

    why: str
    wait: float | None = None


def read(error: Exception, model: str) -> Passing | ModelError:
    """Sort one failed request. Raises nothing; errors that are not the endpoint's are not for here."""
    match error:
        case CutStream():
            return Passing(f"the reply was cut ({error})")
        case TimeoutError() | openai.APITimeoutError():
            return Passing("the model service did not answer in time")
        case openai.APIStatusError():
            return _read_status(error, model)
        case openai.APIConnectionError():
            return Passing("the model service can't be reached")
    return _read_words(str(error), model) or Passing(f"the model service broke off ({error})")


def _read_status(error: openai.APIStatusError, model: str) -> Passing | ModelError:
    said = f"{error.status_code} {error.message}"
    if (sentence := _read_words(said, model)) is not None:
        return sentence
    if error.status_code in _RETRIED_STATUS or error.status_code >= 500:
        return Passing(_pace(error.status_code), _retry_after(error))
    if error.status_code in (401, 403):
        return CredentialsRefused(
            f"The model service refused the API key ({error.status_code}). Whoever runs Handoff needs to "
            "check OPENAI_API_KEY and OPENAI_BASE_URL.",
            detail=said,
        )
    if error.status_code == 404:
        return UnknownModel(
            f"The model service does not know the model {model} (404). Whoever runs Handoff needs to check "
            "HANDOFF_MODEL and OPENAI_BASE_URL.",
            detail=said,
        )
    return RequestRefused(
        f"The model service refused the request ({error.status_code}). "
        "Whoever runs Handoff finds its words in the log.",
        detail=said,
    )


def _read_words(said: str, model: str) -> ModelError | None:
    low = said.lower()
    if any(words in low for words in _QUOTA):
        return QuotaExhausted(
            "The account at the model service has no credit left. Whoever runs Handoff needs to top it up "
            "or set another key.",
            detail=said,
        )
    if any(words in low for words in _CONTEXT):
        return ContextTooLong(
            f"The conversation has grown longer than the model {model} can read. Start a new thread with the "
            "part that matters, or attach long text as a file.",
            detail=said,
        )
    return None


def _pace(status: int) -> str:
    return (
        "the model service asks us to slow down" if status == 429 else f"the model service fails ({status})"
    )


def _retry_after(error: openai.APIStatusError) -> float | None:
    try:
        return float(error.response.headers.get("retry-after", ""))
    except ValueError:
        return None


def given_up(why: str, tries: int) -> ModelUnavailable:
    """The end of a row of passing faults."""
    return ModelUnavailable(
        f"The model gave no usable reply in {tries} tries: {why}. Try again in a few minutes.", detail=why
    )
