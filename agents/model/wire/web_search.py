"""The model service's own web search: how each service is asked for it, and the sources that it names."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from agents.conversation import Json
from agents.model.wire.assembler import part
from text.excerpt import one_line

#: USD of one search at OpenAI, which replies do not name: openai.com/api/pricing, 10 USD for a thousand.
SEARCH_USD = 0.01
_MOST_SOURCES = 10
_TITLE = 80


@dataclass(frozen=True, slots=True)
class WebSearch:
    """What is added to a request of either API so that the model may search. None: this API has no search."""

    chat: Json | None = None
    responses: Json | None = None

    def added(self, body: Json, api: str) -> Json:
        """The body of a request with the search."""
        extra = self.chat if api == "chat" else self.responses
        if extra is None or "tools" not in body or body.get("tool_choice") == "none":
            return body
        return {**extra, **body, "tools": [*body["tools"], *extra.get("tools", ())]}

    def removed(self, body: Json) -> Json:
        """The body of a request without the search."""
        fields = {key for extra in (self.chat, self.responses) for key in extra or ()} - {"tools"}
        left = {key: value for key, value in body.items() if key not in fields}
        tools = [tool for tool in body.get("tools", ()) if _is_ours(tool)]
        return left | ({"tools": tools} if tools else {})


def web_search(base_url: str) -> WebSearch | None:
    """The search of the service at an address; None where it has none.

    platform.openai.com/docs/guides/tools-web-search (Responses alone), openrouter.ai's server tools (the
    model decides when to search; the older plugin searches for every request), and DashScope's
    `enable_search` for Chat Completions.
    """
    host = f".{urlsplit(base_url).hostname or ''}"
    if host.endswith((".api.openai.com", ".openai.azure.com")):
        return WebSearch(responses=_tool("web_search"))
    if host.endswith(".openrouter.ai"):
        return WebSearch(_tool("openrouter:web_search"), _tool("openrouter:web_search"))
    if host.endswith(".aliyuncs.com"):
        return WebSearch({"enable_search": True}, _tool("web_search"))
    return None


def sources(annotations: Iterable[Any], text: str) -> str:
    """A line of the sources that a reply cites and does not link in its text; empty without any."""
    found: dict[str, str] = {}
    for one in annotations:
        cited = one.get("url_citation", one) if isinstance(one, dict) else {}
        url, title = part({"cited": cited}, "cited").get("url"), None
        if isinstance(url, str) and url.startswith(("https://", "http://")) and url not in text:
            title = cited.get("title")
            found.setdefault(url, one_line(title, _TITLE) if isinstance(title, str) and title else url)
    if not found:
        return ""
    links = [f"[{_plain(title)}]({url})" for url, title in list(found.items())[:_MOST_SOURCES]]
    return f"\n\nSources: {', '.join(links)}"


def searching_usd(items: Iterable[Json]) -> float:
    """What the searches among a reply's output items cost; opening a page that was found costs nothing."""
    kinds = [part(item, "action").get("type") for item in items if item.get("type") == "web_search_call"]
    return SEARCH_USD * sum(kind in (None, "search") for kind in kinds)


def _tool(kind: str) -> Json:
    return {"tools": [{"type": kind}]}


def _is_ours(tool: Json) -> bool:
    return tool.get("type") == "function"


def _plain(title: str) -> str:
    return title.replace("[", "(").replace("]", ")")
