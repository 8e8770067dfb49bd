"""An MCP server of the protocol of 2025-06-18, by hand on stdin and stdout.

Run as `python -m tests.support.old_tool_server`. Most servers of today are such ones. Its list has `late`
once `grow` was called, and it announces the change. A call of `die` ends it; one of `hang` gets no answer.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any


def _say(**message: Any) -> None:
    print(json.dumps({"jsonrpc": "2.0", **message}), flush=True)


def _answer(method: str, params: dict[str, Any], names: list[str]) -> dict[str, Any] | None:
    """The result of a request; None for a method of another protocol."""
    match method:
        case "initialize":
            information = {"name": "old", "version": "1"}
            tools = {"tools": {"listChanged": True}}
            return {"protocolVersion": "2025-06-18", "capabilities": tools, "serverInfo": information}
        case "tools/list":
            return {"tools": [{"name": name, "inputSchema": {"type": "object"}} for name in names]}
        case "tools/call":
            if params["name"] == "grow":
                names.append("late")
                _say(method="notifications/tools/list_changed")
            return {"content": [{"type": "text", "text": f"{params['name']} done"}]}
    return None


def main() -> None:
    names = ["grow", "die", "hang"]
    for line in sys.stdin:
        asked = json.loads(line)
        called = (asked.get("params") or {}).get("name")
        if called == "die":
            os._exit(3)
        if "id" not in asked or called == "hang":
            continue
        result = _answer(asked["method"], asked.get("params") or {}, names)
        if result is None:
            _say(id=asked["id"], error={"code": -32601, "message": "Method not found"})
        else:
            _say(id=asked["id"], result=result)


if __name__ == "__main__":
    main()
