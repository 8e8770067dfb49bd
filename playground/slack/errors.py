"""The errors of the stand-in.

SlackError
├── Refused            the Web API's answer is `ok: false`; the bot sees Slack's own error name
│   └── RateLimited    HTTP 429 with `Retry-After`
└── ActionRefused      a person's action on the page cannot be done; they read the sentence
    └── NotAnswered    the bot did not acknowledge an interaction or a command in time
"""

from __future__ import annotations

from typing import Any


class SlackError(Exception):
    """Base of all errors of the stand-in."""


class Refused(SlackError):
    """A Web API call that Slack would answer with `ok: false`.

    `details` become `response_metadata.messages`, which explain the error; `fields` are added to the answer
    as they are, such as `needed` and `provided` of `missing_scope`.
    """

    def __init__(self, error: str, *details: str, **fields: Any) -> None:
        super().__init__(f"{error}: {'; '.join(details)}" if details else error)
        self.error = error
        self.details = details
        self.fields = fields


class RateLimited(Refused):
    """A call above its rate limit. `retry_after` is in whole seconds, as in Slack's header."""

    def __init__(self, retry_after: int) -> None:
        super().__init__("ratelimited")
        self.retry_after = retry_after


class ActionRefused(SlackError):
    """An action that the person can't do. The page shows the message."""


class NotAnswered(ActionRefused):
    """The bot is not connected, or let the deadline of an interaction or a command pass.

    Slack does not retry those.
    """
