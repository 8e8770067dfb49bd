"""The loop every agent runs: think, act, until there is an ending.

Owns the order of things, the limits and the honest ends. Never knows what its tools do or who watches.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

import structlog

from agents.budget import LAST_TURN_SECONDS, Meter
from agents.conversation import Reply, ToolCall, Turn
from agents.endpoint import Endpoint, OnRetry, OnText
from agents.errors import AgentError, ModelError, Parked, ToolFailure
from agents.journal import Inbox, Journal
from agents.tools import Tool, ToolOutput
from agents.transcript import CUT, EMPTY, Transcript
from agents.wire import Request

log = structlog.get_logger(__name__)

#: The fifth turn with the same call and the same result ends the work.
SAME_RESULT_LIMIT = 5
#: Calls of one turn beyond this many are refused, told to the model, and not run.
CALLS_PER_TURN = 32
#: How often an agent is asked to go on after such a reply, before its work ends with what there is.
NUDGES = {EMPTY: 1, CUT: 3}
_STOP_NOW = (
    "Stop now: {limit}. You can't call tools any more. Hand back what you have, and say what is missing."
)


@dataclass(frozen=True, slots=True)
class Ending:
    """How an agent's work ended; `reason` is empty unless a limit or a fault ended it."""

    text: str
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """What makes one agent different from another."""

    model: str
    instructions: str
    tools: Sequence[Tool]


class Loop:
    """One agent at work, from its journal to an ending."""

    def __init__(
        self,
        role: Role,
        *,
        endpoint: Endpoint,
        journal: Journal,
        inbox: Inbox,
        meter: Meter,
        on_reply: Callable[[Reply], None],
        on_follow_up: Callable[[str], None],
        on_retry: OnRetry,
        on_text: OnText | None = None,
    ) -> None:
        self._role = role
        self._tools = {tool.name: tool for tool in role.tools}
        self._endpoint = endpoint
        self._inbox = inbox
        self._meter = meter
        self._on_reply = on_reply
        self._on_follow_up = on_follow_up
        self._on_retry = on_retry
        self._on_text = on_text
        self._transcript = Transcript(journal)
        self._count_what_was_spent(journal)

    async def run(self, opening: Sequence[Turn]) -> Ending:
        """Work until there is an ending; `opening` is used only when the journal is new.

        Raises `Parked` when a person has to answer first, and a `ModelError` when the model can't go on.
        """
        if self._transcript.ending is None:
            ending = await self._work(opening)
            await self._transcript.end(asdict(ending))
        return Ending(**(self._transcript.ending or {}))

    async def _work(self, opening: Sequence[Turn]) -> Ending:
        if self._transcript.is_new:
            await self._transcript.open(opening)
        ending = await self._run_calls(self._transcript.open_calls)
        while ending is None:
            ending = await self.step()
        return ending

    async def step(self) -> Ending | None:
        """One turn of the model and what follows from it."""
        await self._take_in_follow_ups()
        if limit := self._meter.exceeded():
            return await self._last_words(limit)
        try:
            async with asyncio.timeout_at(self._meter.deadline):
                reply = await self._think()
        except TimeoutError:
            return await self._last_words(self._meter.time_is_up)
        return await self._act(reply)

    async def _think(self, *, may_call: bool = True) -> Reply:
        request = Request(
            model=self._role.model,
            instructions=self._role.instructions,
            turns=self._transcript.turns,
            tools=self._role.tools,
            may_call=may_call,
        )
        reply = await self._endpoint.ask(request, self._on_retry, self._on_text)
        await self._transcript.reply(reply)
        self._meter.turn(reply.usage.total)
        self._on_reply(reply)
        return reply

    async def _act(self, reply: Reply) -> Ending | None:
        if reply.calls:
            return await self._run_calls(reply.calls)
        text = self._transcript.text
        if reply.finish == "content_filter":
            return Ending(text, "the model service's content filter stopped the reply")
        if reply.finish == "length":
            return await self._ask_to_go_on(
                CUT, Ending(text, "the reply was cut by the model's length limit")
            )
        if not reply.text.strip():
            return await self._ask_to_go_on(EMPTY, Ending(text, "the model gave an empty reply twice"))
        return Ending(text)

    async def _ask_to_go_on(self, words: str, otherwise: Ending) -> Ending | None:
        if self._transcript.nudges >= NUDGES[words]:
            return otherwise
        await self._transcript.say(words)
        return None

    async def _run_calls(self, calls: Sequence[ToolCall]) -> Ending | None:
        """Run the calls of one turn at the same time and write each result as it comes."""
        try:
            async with asyncio.TaskGroup() as group:
                running = [
                    group.create_task(self._run_call(call, allowed=number < CALLS_PER_TURN))
                    for number, call in enumerate(calls)
                ]
        except ExceptionGroup as several:
            raise _first(several) from several
        outputs = [task.result() for task in running]
        for call, (output, _) in zip(calls, outputs, strict=True):
            if output.parks is not None:
                raise Parked(*output.parks, call.id)
        for output, _ in outputs:
            if output.ends:
                return Ending(output.text)
        if any(times >= SAME_RESULT_LIMIT for _, times in outputs):
            return await self._last_words("the same call has given the same result five times")
        return None

    async def _run_call(self, call: ToolCall, *, allowed: bool) -> tuple[ToolOutput, int]:
        output = await self._output_of(call) if allowed else ToolOutput(_too_many(call))
        if output.parks is not None:
            return output, 0
        return output, await self._transcript.result(call, output)

    async def _output_of(self, call: ToolCall) -> ToolOutput:
        tool = self._tools.get(call.name)
        if tool is None:
            return ToolOutput(
                f"Error: there is no tool {call.name}. The tools are: {', '.join(self._tools)}."
            )
        try:
            async with asyncio.timeout_at(self._meter.deadline) as limit:
                return await tool.call(call)
        except ToolFailure as failure:
            return ToolOutput(f"Error: {failure}")
        except AgentError:
            raise
        except Exception as error:
            if isinstance(error, TimeoutError) and limit.expired():
                return ToolOutput(f"Error: {self._meter.time_is_up}, and {call.name} was cut.")
            log.exception("tool failed", tool=call.name)
            return ToolOutput(
                f"Error: {call.name} failed inside Handoff, not by your doing. "
                "Try another way, or say that it failed."
            )

    async def _take_in_follow_ups(self) -> None:
        messages = await self._inbox.unread()
        for message in messages:
            await self._transcript.follow_up(message.id, message.text)
            self._on_follow_up(message.id)
        if messages:
            await self._inbox.mark([message.id for message in messages])

    async def _last_words(self, limit: str) -> Ending:
        """One turn without tools, so that a limit costs the rest of the work and not what there is."""
        await self._transcript.say(_STOP_NOW.format(limit=limit))
        try:
            async with asyncio.timeout(LAST_TURN_SECONDS):
                reply = await self._think(may_call=False)
        except (TimeoutError, ModelError) as error:
            log.warning("no last words", limit=limit, why=str(error))
            return Ending("", limit)
        return Ending(reply.text, limit)

    def _count_what_was_spent(self, journal: Journal) -> None:
        for entry in journal.entries:
            if entry.kind == "reply":
                self._meter.turn(entry.body["usage"]["input"] + entry.body["usage"]["output"])
            elif entry.kind == "result":
                self._meter.spend(entry.body["facts"].get("tokens", 0))


def _too_many(call: ToolCall) -> str:
    return (
        f"Error: {call.name} was not run: at most {CALLS_PER_TURN} calls fit into one turn. "
        "Send the rest in the next."
    )


def _first(several: ExceptionGroup[Exception]) -> Exception:
    """A fatal error of one call cancels its siblings; which of two came first does not matter."""
    error = several.exceptions[0]
    return _first(error) if isinstance(error, ExceptionGroup) else error
