"""The demo model: a scripted, OpenAI-compatible endpoint to try Handoff without an API key.

It picks ready-made programs by keywords in the request, and Handoff really runs them. Every result that it
reports comes from the tool results in the conversation. It keeps no state, and every answer says that it is a
script.

`server` and `wire` handle HTTP; `conversation` parses the request; `orchestrator` and `worker` choose the
next turn; `planner` splits a request into parts; `programs` picks the code; `answers` holds the texts.
"""

from __future__ import annotations

from playground.demo_model.server import MODEL, DemoModel

__all__ = ["MODEL", "DemoModel"]
