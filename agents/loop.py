"""The loop every agent runs: think, act, until there is an ending.

Owns the order of things, the limits and the honest ends. Never knows what its tools do or who watches.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

import structlog

from agents import compaction, tracing
from agents.budget import LAST_TURN_SECONDS, Meter
from agents.conversation import ModelReply, ToolCall, Turn
from agents.endpoint import Endpoint, OnRetry, OnText
from agents.errors import AgentError, ContextTooLong, ModelError, Parked, ToolFailure
from agents.journal import Inbox, Journal
from agents.prices import Prices
from agents.tools import Tool, ToolOutput
from agents.transcript import CUT, EMPTY, Transcript
from agents.wire import ModelRequest

log = structlog.get_logger(__name__)

#: The fifth turn with the same call and the same result ends the work.
SAME_RESULT_LIMIT = 5
#: How often an agent is asked to go on after such a reply, before its work ends with what there is.
NUDGES = {EMPTY: 1, CUT: 3}
_STOP_NOW = (
    "Stop now: {limit}. You can't call tools any more. Hand back what you have, and say what is missing."
)


@dataclass(frozen=True, slots=True)
class LoopResult:
    """How an agent's work ended; `reason` is empty unless a limit or a fault ended it."""

    text: str
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """What makes one agent different from another."""

    model: str
    """A model's name, or several with commas: each stands in when those before it can't be had."""
    instructions: str
    tools: Sequence[Tool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Observer:
    """Whom an agent tells what it does, for people's eyes."""

    on_reply: Callable[[ModelReply], None]
    on_retry: OnRetry
    on_follow_up: Callable[[str], None] = lambda _: None
    on_text: OnText | None = None


class AgentLoop:
    """One agent at work, from its journal to an ending."""

    def __init__(
        self, role: Role, *, endpoint: Endpoint, journal: Journal, inbox: Inbox, meter: Meter,
        watcher: Observer, prices: Prices,
    ) -> None:  # fmt: skip
        self._role = role
        self._tools = {tool.name: tool for tool in role.tools}
        self._endpoint = endpoint
        self._inbox = inbox
        self._meter = meter
        self._watcher = watcher
        self._prices = prices
        # For the endpoint's cache, which keeps the beginning of a conversation for some minutes.
        self._cache_key = uuid.uuid4().hex
        self._transcript = Transcript(journal)
        self._count_what_was_spent(journal)

    async def run(self, opening: Sequence[Turn]) -> LoopResult:
        """Work until there is an ending; `opening` is used only when the journal is new.

        Raises `Parked` when a person has to answer first, and a `ModelError` when the model can't go on.
        """
        if self._transcript.ending is None:
            ending = await self._work(opening)
            await self._transcript.end(asdict(ending))
        return LoopResult(**(self._transcript.ending or {}))

    async def _work(self, opening: Sequence[Turn]) -> LoopResult:
        if self._transcript.is_new:
            await self._transcript.open(opening)
        # After a restart the newest reply may still ask for something; it is not paid for again.
        reply = self._transcript.reply
        ending = await self._act(reply) if reply else None
        while ending is None:
            with structlog.contextvars.bound_contextvars(turn=self._meter.turns + 1):
                ending = await self._step()
        return ending

    async def _step(self) -> LoopResult | None:
        """One turn of the model and what follows from it."""
        await self._take_in_follow_ups()
        if limit := self._transcript.limit or self._meter.exceeded():
            return await self._last_words(limit)
        try:
            reply = await self._think(self._meter.deadline)
        except TimeoutError:
            return await self._last_words(self._meter.time_is_up)
        return await self._act(reply)

    async def _think(self, deadline: float, *, may_call: bool = True) -> ModelReply:
        """One reply, in the journal; where the conversation has outgrown the model, room is made for it.

        Raises `TimeoutError` at the deadline, which cuts the asking and never the writing down.
        """
        while await self._make_room(deadline):
            pass
        while True:
            try:
                reply = await self._ask(deadline, self._request(may_call))
                break
            except ContextTooLong:
                if not await self._make_room(deadline, urgent=True):
                    raise
        cost = self._prices.cost(reply.model, reply.usage)
        await self._transcript.add(reply, cost=cost, clock=self._meter.seconds)
        self._meter.turn(reply.usage.total, cost or 0.0)
        log.info(
            "model turn", model=reply.model, tokens=reply.usage.total, calls=[c.name for c in reply.calls]
        )
        self._watcher.on_reply(reply)
        return reply

    async def _ask(self, deadline: float, request: ModelRequest) -> ModelReply:
        with tracing.turn(self._role.model, self._transcript.turns[-1]) as span:
            async with asyncio.timeout_at(deadline):
                reply = await self._endpoint.complete(request, self._watcher.on_retry, self._watcher.on_text)
            tracing.record_reply(span, reply)
            return reply

    def _request(self, may_call: bool) -> ModelRequest:
        return ModelRequest(
            model=self._role.model,
            instructions=self._role.instructions,
            turns=self._transcript.turns,
            tools=self._role.tools,
            may_call=may_call,
            cache_key=self._cache_key,
        )

    async def _make_room(self, deadline: float, *, urgent: bool = False) -> bool:
        window = self._prices.window(self._role.model)
        async with asyncio.timeout_at(deadline):
            room = await compaction.compact(
                self._transcript.turns, self._endpoint, self._role.model, window, urgent=urgent
            )
        if room is None:
            return False
        cost = self._prices.cost(room.model, room.usage)
        self._meter.spend(room.usage.total, cost or 0.0)
        await self._transcript.make_room(room.entry | {"usage": asdict(room.usage), "cost": cost})
        return True

    async def _act(self, reply: ModelReply) -> LoopResult | None:
        text = self._transcript.text
        if self._transcript.limit:
            return LoopResult(reply.text, self._transcript.limit)
        if reply.calls:
            return await self._run_calls()
        if reply.finish == "content_filter":
            return LoopResult(text, "the model service's content filter stopped the reply")
        if reply.finish == "length":
            cut = LoopResult(text, "the reply was cut by the model's length limit")
            return await self._ask_to_go_on(CUT, cut)
        if not reply.text.strip():
            return await self._ask_to_go_on(EMPTY, LoopResult(text, "the model gave an empty reply twice"))
        return LoopResult(text)

    async def _ask_to_go_on(self, words: str, otherwise: LoopResult) -> LoopResult | None:
        if self._transcript.nudges >= NUDGES[words]:
            return otherwise
        await self._transcript.ask_to_go_on(words)
        return None

    async def _run_calls(self) -> LoopResult | None:
        """Run the calls of one turn at the same time and write each result as it comes."""
        try:
            async with asyncio.TaskGroup() as group:
                running = [group.create_task(self._run_call(call)) for call in self._transcript.open_calls]
        except ExceptionGroup as several:
            raise _first(several) from several
        if waiting := [parked for task in running if (parked := task.result())]:
            # Words first: what is written answers what is shown, and an approval can be shown later.
            raise min(waiting, key=lambda one: bool(one.approval))
        for result in self._transcript.results:
            if result["ends"]:
                return LoopResult(result["text"])
        if any(result["times"] >= SAME_RESULT_LIMIT for result in self._transcript.results):
            return await self._last_words("the same call has given the same result five times")
        return None

    async def _run_call(self, call: ToolCall) -> Parked | None:
        output = await self._output_of(call)
        if output.parks is not None:
            return Parked(*output.parks, output.asked, output.approval)
        await self._transcript.result(call, output, clock=self._meter.seconds)
        return None

    async def _output_of(self, call: ToolCall) -> ToolOutput:
        tool = self._tools.get(call.name)
        if tool is None:
            return ToolOutput(
                f"Error: there is no tool {call.name}. The tools are: {', '.join(self._tools)}."
            )
        try:
            async with asyncio.timeout_at(self._meter.deadline) as limit:
                with tracing.tool(call) as span:
                    output = await tool.call(call)
                    tracing.record_result(span, output.text)
                    return output
        except ToolFailure as failure:
            return ToolOutput(f"Error: {failure}")
        except (AgentError, KeyboardInterrupt):
            raise
        except BaseException as error:
            # Else a tool's own exit would end the process, and its own cancellation would look like a stop.
            if isinstance(error, asyncio.CancelledError) and _is_cancelled():
                raise
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
            if await self._transcript.follow_up(message.id, message.text):
                self._watcher.on_follow_up(message.id)
        if messages:
            await self._inbox.mark([message.id for message in messages])

    async def _last_words(self, limit: str) -> LoopResult:
        """One turn without tools, so that a limit costs the rest of the work and not what there is."""
        await self._transcript.stop(limit, _STOP_NOW.format(limit=limit))
        deadline = asyncio.get_running_loop().time() + LAST_TURN_SECONDS
        try:
            reply = await self._think(deadline, may_call=False)
        except (TimeoutError, ModelError) as error:
            log.warning("no last words", limit=limit, why=str(error))
            return LoopResult(self._transcript.text, limit)
        return LoopResult(reply.text, limit)

    def _count_what_was_spent(self, journal: Journal) -> None:
        clock = 0.0
        for entry in journal.entries:
            body = entry.body
            clock = max(clock, body.get("clock", 0.0))
            if entry.kind in ("reply", "context"):
                tokens = body["usage"]["input"] + body["usage"]["output"]
                spend = self._meter.turn if entry.kind == "reply" else self._meter.spend
                spend(tokens, body.get("cost") or 0.0)
            elif entry.kind == "result":
                self._meter.spend(body["facts"].get("tokens", 0), body["facts"].get("cost") or 0.0)
        self._meter.go_on_from(clock)


def _is_cancelled() -> bool:
    """Whether somebody has cancelled the task that this runs in."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _first(several: ExceptionGroup[Exception]) -> Exception:
    """A fatal error of one call cancels its siblings; which of two came first does not matter."""
    error = several.exceptions[0]
    return _first(error) if isinstance(error, ExceptionGroup) else error
