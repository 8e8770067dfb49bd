"""Why Slack can't be used, in sentences for whoever runs the bot: what is wrong, where, and the fix.

Knows Slack's words for a token that does not serve. Never shows a token.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

import aiohttp
from slack_sdk.errors import SlackApiError

#: Slack's words for a token that does not serve -> why.
TOKEN_REFUSALS: Mapping[str, str] = {
    "account_inactive": "the app was uninstalled or its bot was deactivated",
    "invalid_auth": "Slack does not know it",
    "not_allowed_token_type": "it is a token of another kind",
    "not_authed": "it is empty",
    "token_expired": "it has expired",
    "token_revoked": "it was revoked",
}
#: The setting of a token -> where a new one comes from.
_FIXES: Mapping[str, str] = {
    "SLACK_BOT_TOKEN": "Copy it again from the app's pages.",
    "SLACK_APP_TOKEN": "Generate one with the scope connections:write, under App-Level Tokens.",
}


def token_refused(variable: str, word: str) -> str:
    """That Slack answers `word` to the token of a setting."""
    why = TOKEN_REFUSALS.get(word, f"Slack answers {word}")
    return f"{variable} can't be used: {why}. {_FIXES[variable]}"


def unreachable(url: str, fault: BaseException) -> str:
    """That there is no way to Slack at `url`, or none back."""
    why = _answered(fault) or str(fault) or "no answer in time"
    return f"Slack can't be reached at {urlsplit(url).netloc} ({why}). Look at the network and SLACK_API_URL."


def _answered(fault: BaseException) -> str:
    """What came back without being Slack's, but not the page, nor all of the address."""
    if isinstance(fault, SlackApiError):
        return "what answers there is not Slack"
    return f"HTTP status {fault.status}" if isinstance(fault, aiohttp.ClientResponseError) else ""
