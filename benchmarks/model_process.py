"""A model endpoint in a process of its own, so that its CPU time is not counted with its clients'.

The model's name sets its behaviour: `p8-t1-l250` starts 8 workers at once, each with 1 tool turn, at 250 ms a
reply. Streams on request. Run as `python -m benchmarks.model_process`; prints its base URL.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

Json = dict[str, Any]
WORDS = "The result is 42, as measured. "


@asynccontextmanager
async def model_process() -> AsyncIterator[str]:
    """The endpoint's base URL, while the context is open."""
    command = (sys.executable, "-m", "benchmarks.model_process")
    process = await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE)
    assert process.stdout
    try:
        yield (await process.stdout.readline()).decode().strip()
    finally:
        process.terminate()
        await process.wait()


async def _answer(request: web.Request) -> web.StreamResponse:
    body = await request.json()
    known = re.fullmatch(r"p(\d+)-t(\d+)-l(\d+)", body["model"])
    assert known, body["model"]
    parallel, turns, latency = map(int, known.groups())
    await asyncio.sleep(latency / 1000)
    message = _message(body, parallel, turns)
    finish = "tool_calls" if "tool_calls" in message else "stop"
    usage = {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110}
    head: Json = {"id": "c", "object": "chat.completion", "created": 0, "model": body["model"]}
    head["usage"] = usage
    if not body.get("stream"):
        choice = {"index": 0, "message": message, "finish_reason": finish}
        return web.json_response({**head, "choices": [choice]})
    return await _stream(request, head, message, finish)


def _message(body: Json, parallel: int, turns: int) -> Json:
    """The model's next message, from the offered tools and the results so far."""
    offered = {tool["function"]["name"] for tool in body["tools"]}
    results = sum(message["role"] == "tool" for message in body["messages"])
    if "create_worker" in offered and results == 0:
        calls = [("create_worker", {"task_description": f"Do part {n}."}) for n in range(parallel)]
    elif "execute_python_code" in offered and results < turns:
        calls = [("execute_python_code", {"code": f"print({results})"})]
    else:
        return {"role": "assistant", "content": WORDS}
    made = [
        {"id": f"call_{results}_{n}", "type": "function",
         "function": {"name": name, "arguments": json.dumps(arguments)}}
        for n, (name, arguments) in enumerate(calls)
    ]  # fmt: skip
    return {"role": "assistant", "content": None, "tool_calls": made}


async def _stream(request: web.Request, head: Json, message: Json, finish: str) -> web.StreamResponse:
    """One chunk per word or call, as vendors send them."""
    deltas: list[Json] = [{"role": "assistant", "content": ""}]
    deltas += [{"content": word + " "} for word in (message["content"] or "").split()]
    calls = message.get("tool_calls", ())
    deltas += [{"tool_calls": [{"index": n, **call}]} for n, call in enumerate(calls)]
    choices: list[Json] = [{"index": 0, "delta": delta, "finish_reason": None} for delta in deltas]
    choices.append({"index": 0, "delta": {}, "finish_reason": finish})
    chunks: list[Json] = [{**head, "usage": None, "choices": [choice]} for choice in choices]
    chunks.append({**head, "choices": []})
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await response.prepare(request)
    frames = "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in chunks)
    await response.write(f"{frames}data: [DONE]\n\n".encode())
    await response.write_eof()
    return response


async def main() -> None:
    app = web.Application(client_max_size=64 * 1024 * 1024)
    app.router.add_post("/v1/chat/completions", _answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, backlog=4096).start()
    print(f"http://127.0.0.1:{runner.addresses[0][1]}/v1", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
