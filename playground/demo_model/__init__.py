"""The demo model: a scripted, OpenAI-compatible endpoint, so that Handoff can be tried without a key.

It chooses ready-made programs by the words of a request and lets Handoff really run them; every result it
speaks of is read from the tool results of the conversation. It keeps no state and says that it is no model.

`server` and `wire` own HTTP, `conversation` what a request says, `orchestrator` and `worker` what to do next,
`planner` the parts of a request, `programs` the code for one, `answers` the words.
"""

from __future__ import annotations

from playground.demo_model.server import MODEL, DemoModel

__all__ = ["MODEL", "DemoModel"]
