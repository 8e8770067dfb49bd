"""Slack calls per task, and the time until people see something, with 1, 10 and 50 tasks at once.

All tasks start at once in one channel of a Slack with rate limits. A task has two plans and an answer of
1,200 characters, written within about two seconds.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from benchmarks.table import p99
from bot.observability.logging import configure_logging
from playground.slack import SlackStandIn
from playground.slack.changes import Call as SlackCall
from tests.support.model_replies import Asked, Reply
from tests.support.scripted_model import Call, Say, ScriptedModel
from tests.support.stack import ADA, GENERAL, MEI, PATIENCE, Stack, stack

AT_ONCE: Sequence[int] = (1, 10, 50)
#: Smaller sizes for a quick run: `python -m benchmarks --small`.
SMALL = {"AT_ONCE": (1,)}
ANSWER = "\n\n".join(
    "This is a sentence of an answer that is long enough to be streamed. " * 3 for _ in range(6)
)
#: Seconds for 50 answers in one channel, where Slack allows about one message a second.
LONGEST = 300


async def main() -> None:
    print("| tasks at once | calls per task | 429s | first sign p50 / p99 s | answer p50 / p99 s |")
    print("|---|---|---|---|---|")
    calls: dict[int, Counter[str]] = {}
    for count in AT_ONCE:
        with tempfile.TemporaryDirectory() as folder:
            calls[count] = await _measure(count, Path(folder))
    print("\n| method | " + " | ".join(f"calls per task at {count}" for count in AT_ONCE) + " |")
    print("|---|" + "---|" * len(AT_ONCE))
    for method in sorted(set().union(*calls.values())):
        cells = [f"{calls[count][method] / count:.1f}" for count in AT_ONCE]
        print(f"| {method} | " + " | ".join(cells) + " |")


async def _measure(count: int, folder: Path) -> Counter[str]:
    limits = dict.fromkeys(("limit_running_tasks", "limit_workspace_tasks", "limit_person_tasks"), 200)
    async with (
        SlackStandIn() as slack,
        ScriptedModel(_reply, chunk_delay=0.1, piece=60) as model,
        stack(slack, model.base_url, folder, sandbox_pool=0, **limits) as bot,  # type: ignore[arg-type]
    ):
        configure_logging(bot.settings.model_copy(update={"log_level": "error"}))
        before = len(slack.calls)
        users = [ADA, MEI]
        times = await asyncio.gather(*(_ask(bot, users[n % 2]) for n in range(count)))
        made = slack.calls[before:]
        signs, answers = zip(*times, strict=True)
        print(
            f"| {count} | {len(made) / count:.1f} | {sum(_is_429(call) for call in made)} "
            f"| {median(signs):.2f} / {p99(signs):.2f} | {median(answers):.1f} / {p99(answers):.1f} |",
            flush=True,
        )
        return Counter(call.method for call in made)


async def _ask(bot: Stack, user: str) -> tuple[float, float]:
    """Seconds to the first sign and to the complete answer."""
    began = time.perf_counter()
    ts = await bot.ask("@Handoff what is the answer?", user=user)
    patience = max(PATIENCE, LONGEST)

    def seen() -> bool:
        message = bot.slack.state.message(GENERAL, ts)
        return (message is not None and bool(message.reactions)) or bool(bot.thread(ts))

    await bot.slack.wait_for(lambda _: seen(), patience)
    sign = time.perf_counter() - began
    await bot.slack.wait_for(lambda _: "handoff_feedback" in str(bot.thread(ts)), patience)
    return sign, time.perf_counter() - began


async def _reply(asked: Asked) -> Reply:
    if asked.turn < 2:
        statuses = ("in_progress", "pending") if asked.turn == 0 else ("complete", "in_progress")
        steps = [{"text": f"Step {n}", "status": status} for n, status in enumerate(statuses)]
        return Call("plan", {"steps": steps})
    return Say(ANSWER)


def _is_429(call: SlackCall) -> bool:
    return call.status == 429 or call.error == "ratelimited"
