"""Error messages for the operator: why Slack refuses a token or can't be reached, and the fix.

They contain no token.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

import aiohttp
from slack_sdk.errors import SlackApiError

#: Slack's error codes for an unusable token -> the reason.
TOKEN_REFUSALS: Mapping[str, str] = {
    "account_inactive": "the app was uninstalled or its bot was deactivated",
    "invalid_auth": "Slack does not know it",
    "not_allowed_token_type": "it is a token of another kind",
    "not_authed": "it is empty",
    "token_expired": "it has expired",
    "token_revoked": "it was revoked",
}
#: The setting of a token -> where to get a new one.
_FIXES: Mapping[str, str] = {
    "SLACK_BOT_TOKEN": "Copy it again from the app's pages.",
    "SLACK_APP_TOKEN": "Generate one with the scope connections:write, under App-Level Tokens.",
}


def token_refused(variable: str, word: str) -> str:
    """The message for a token that Slack refuses with the error code `word`."""
    why = TOKEN_REFUSALS.get(word, f"Slack answers {word}")
    return f"{variable} can't be used: {why}. {_FIXES[variable]}"


def unreachable(url: str, error: BaseException) -> str:
    """The message for a network error, or a reply that is not Slack's."""
    why = _answered(error) or str(error) or "no answer in time"
    return f"Slack can't be reached at {urlsplit(url).netloc} ({why}). Look at the network and SLACK_API_URL."


def _answered(error: BaseException) -> str:
    """A description of a reply that is not Slack's, without its body and full URL."""
    if isinstance(error, SlackApiError):
        return "the reply is not Slack's"
    return f"HTTP status {error.status}" if isinstance(error, aiohttp.ClientResponseError) else ""
