"""What to ask the demo model, and turns of talk with it by the public client, with tools like ours."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from openai import AsyncOpenAI, AsyncStream

from playground.demo_model import MODEL, DemoModel

Json = dict[str, Any]


def schema(required: str, **properties: Json) -> Json:
    return {"type": "object", "properties": properties, "required": [required], "additionalProperties": False}


TEXT: Json = {"type": "string"}
TEXTS: Json = {"type": "array", "items": TEXT}
STEP = schema("text", text=TEXT, status={"enum": ["pending", "in_progress", "complete", "error"]})
ORCHESTRATOR: Mapping[str, Json] = {
    "create_worker": schema(
        "task_description", task_description=TEXT, title=TEXT, deliverable=TEXT, effort=TEXT
    ),
    "ask_user": schema("question", question=TEXT, options=TEXTS),
    "plan": schema("steps", steps={"type": "array", "items": STEP}),
    "read_file": schema("path", path=TEXT),
}
WORKER: Mapping[str, Json] = {
    "execute_python_code": schema("code", code=TEXT),
    "report": schema("status", status=TEXT, summary=TEXT, evidence=TEXT, files=TEXTS, open_points=TEXT),
}

#: Requests that between them reach every program, each with the files it expects beside it.
EXAMPLES: Sequence[tuple[str, tuple[str, ...]]] = (
    ("Execute hello world in Python", ()),
    ("Run this:\n```python\nfor n in range(3):\n    print(n)\n```", ()),
    ("Run `print(6 * 7)`", ()),
    ("Compute the first 20 primes", ()),
    ("List all primes up to 100", ()),
    ("Print the first 15 Fibonacci numbers", ()),
    ("What is 20!?", ()),
    ("Compute the 1000th prime", ()),
    ("Sort 20 random words", ()),
    ("Count the Fridays in 2026", ()),
    ("Estimate pi with 10000 random points", ()),
    ("Roll a die 600 times", ()),
    ("Toss a coin 100 times", ()),
    ("Write a table of the first 5 squares", ()),
    ("Sum and mean of 3, 4.5 and 12", ()),
    ("Sort 3, 1, 2", ()),
    ("Sum the numbers from 1 to 100", ()),
    ("What is 12 * (7 + 1)?", ()),
    ('Reverse "handoff" and count its letters', ()),
    ("Wait 1 second", ()),
    ("Fetch http://127.0.0.1:9/page", ()),
    ("Which Python version and packages are installed?", ()),
    ("Plot a sine wave", ()),
    ("Plot sin(x) and cos(x)", ()),
    ("Plot a damped sine wave and send me the picture", ()),
    ("Draw a parabola", ()),
    ("Draw a logarithm and a square root", ()),
    ("Plot the sigmoid", ()),
    ("Draw a random walk of 300 steps", ()),
    ("Histogram of 2000 normal numbers", ()),
    ("Scatter 100 random points", ()),
    ("Bar chart: apples 3, pears 5, plums 2", ()),
    ("Pie chart of red: 1, green: 2, blue: 3", ()),
    ("Plot three independent random walks (part 2 of 3)", ()),
    ("Describe sales.csv", ("sales.csv",)),
    ("What is the total revenue by region in sales.csv?", ("sales.csv",)),
    ("Plot the revenue in sales.csv", ("sales.csv",)),
    ("Read the attached CSV and tell me which region sold most", ("sales.csv",)),
    ("Analyse the attached CSV and plot the main trends.", ("sales.csv",)),
    ("Average of the columns of the attached table", ("sales.csv",)),
    ("Sum the columns of these attached files", ("a.csv", "b.csv")),
)


@asynccontextmanager
async def demo() -> AsyncIterator[AsyncOpenAI]:
    async with (
        DemoModel(latency=0, chunk_delay=0) as model,
        AsyncOpenAI(base_url=model.base_url, api_key="none", max_retries=0, timeout=10) as client,
    ):
        yield client


def user(text: str) -> Json:
    return {"role": "user", "content": text}


def body(messages: list[Json], tools: Mapping[str, Json], **more: Any) -> Json:
    offered = [{"type": "function", "function": {"name": n, "parameters": s}} for n, s in tools.items()]
    return {"model": MODEL, "messages": messages, **({"tools": offered} if offered else {}), **more}


async def ask(client: AsyncOpenAI, messages: list[Json], tools: Mapping[str, Json], **more: Any) -> Json:
    """One turn, streamed, put together the way a client does."""
    message: Json = {"role": "assistant", "content": "", "tool_calls": []}
    sent = body(messages, tools, stream=True, **more)
    stream = await client.post(
        "/chat/completions", cast_to=object, body=sent, stream=True, stream_cls=AsyncStream[object]
    )
    chunk: Any
    async for chunk in stream:
        delta = chunk["choices"][0]["delta"]
        message["content"] += delta.get("content") or ""
        for part in delta.get("tool_calls", ()):
            if part["index"] == len(message["tool_calls"]):
                message["tool_calls"].append({**part, "function": {**part["function"]}})
            else:
                call = message["tool_calls"][part["index"]]
                call["function"]["arguments"] += part["function"]["arguments"]
    return message if message["tool_calls"] else {"role": "assistant", "content": message["content"]}


def calls(message: Json) -> list[tuple[str, Json]]:
    found = [call["function"] for call in message.get("tool_calls", ())]
    return [(function["name"], json.loads(function["arguments"])) for function in found]


def answered(message: Json, *results: str) -> list[Json]:
    ids = [call["id"] for call in message["tool_calls"]]
    return [
        message,
        *({"role": "tool", "tool_call_id": i, "content": r} for i, r in zip(ids, results, strict=True)),
    ]
