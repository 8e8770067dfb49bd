"""The agent loop: request a reply, run its tool calls, repeat until there is a result or a limit."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import asdict, dataclass, replace
from functools import partial

import structlog

from agents import compaction, tracing
from agents.budget import LAST_TURN_SECONDS, Meter
from agents.conversation import ModelReply, ToolCall, Turn
from agents.errors import ContextTooLong, ModelError, Parked
from agents.journal import Inbox, Journal
from agents.model.endpoint import Endpoint
from agents.model.pictures import Pictures
from agents.model.prices import Prices
from agents.model.wire import ModelRequest, text_calls
from agents.observer import Observer, Waits
from agents.plain_request import in_words
from agents.role import Role
from agents.tools.dispatch import REPEATS, dispatch
from agents.tools.tool_search import sent
from agents.transcript import CUT, EMPTY, MARKUP, NO_CALL, ONLY_COMMENTARY, Transcript

log = structlog.get_logger(__name__)

#: The fifth turn with the same call and the same result ends the work; the third, where calls come as text.
#: Small models don't get out of such a loop.
SAME_RESULT_LIMIT, SAME_RESULT_LIMIT_AS_TEXT = 5, 3
#: How often an agent is asked to continue after such a reply; then its work ends.
NUDGES = {EMPTY: 1, CUT: 3, NO_CALL: 1, ONLY_COMMENTARY: 3}
Bound = Callable[[], AbstractAsyncContextManager[object]]
"""Makes the timeout of one request."""
_STOP_NOW = (
    "Stop now: {limit}. You can't call tools any more. Hand back what you have, and say what is missing."
)


@dataclass(frozen=True, slots=True)
class LoopResult:
    """An agent's last text; `reason` says which limit or failure ended the work, if one did."""

    text: str
    reason: str = ""


class AgentLoop:
    """Runs one agent; its state is its journal."""

    def __init__(
        self, role: Role, *, endpoint: Endpoint, journal: Journal, inbox: Inbox, meter: Meter,
        watcher: Observer, prices: Prices, pictures: Pictures,
    ) -> None:  # fmt: skip
        self._role = role
        self._tools = {tool.name: tool for tool in role.tools}
        self._endpoint = endpoint
        self._inbox = inbox
        self._meter = meter
        self._watcher = watcher
        self._prices = prices
        self._pictures = pictures
        self._transcript = Transcript(journal)
        meter.restore(journal.entries)

    @property
    def has_text_calls(self) -> bool:
        """Whether the model has written tool calls as text."""
        return self._transcript.has_text_calls

    async def run(self, opening: Sequence[Turn]) -> LoopResult:
        """Work until there is a result; `opening` is used only when the journal is new.

        Raises `Parked` when a person has to answer first, and `ModelError` when a model turn fails.
        """
        if self._transcript.ending is None:
            ending = await self._work(opening)
            await self._transcript.end(asdict(ending))
        return LoopResult(**(self._transcript.ending or {}))

    async def _work(self, opening: Sequence[Turn]) -> LoopResult:
        if self._transcript.is_new:
            await self._transcript.write_opening(opening)
        # After a restart the newest reply may have open calls; it is not paid for again.
        reply = self._transcript.reply
        ending = await self._act(reply) if reply else None
        while ending is None:
            with structlog.contextvars.bound_contextvars(turn=self._meter.turns + 1):
                ending = await self._step()
        return ending

    async def _step(self) -> LoopResult | None:
        """One model turn and its tool calls."""
        await self._read_inbox()
        if limit := self._transcript.limit or self._meter.exceeded():
            return await self._last_turn(limit)
        try:
            reply = await self._think(self._meter.timeout)
        except TimeoutError:
            return await self._last_turn(self._meter.time_is_up)
        return await self._act(reply)

    async def _think(self, bound: Bound, *, may_call: bool = True) -> ModelReply:
        """Request one reply and write it to the journal, after compaction where the window is full.

        Raises `TimeoutError` when `bound` cuts the request; it does not cut the write.
        """
        while await self._compact(bound):
            pass
        while True:
            try:
                reply = await self._request(bound, await self._next_request(may_call))
                break
            except ContextTooLong:
                if not await self._compact(bound, urgent=True):
                    raise
        reply = self._with_text_calls(reply)
        cost = self._prices.cost(reply.model, reply.usage, reply.served)
        await self._transcript.add(reply, cost=cost, clock=self._meter.seconds)
        self._meter.turn(reply.usage.total, cost or 0.0)
        log.info(
            "model turn", model=reply.model, tokens=reply.usage.total, calls=[c.name for c in reply.calls]
        )
        self._watcher.on_reply(reply)
        return reply

    def _with_text_calls(self, reply: ModelReply) -> ModelReply:
        """The reply with the calls in its text as calls, in the history too: `raw` is dropped. Calls beside
        other words may be an example, and count only where the model has written calls as text before."""
        read = text_calls.parse_anywhere if self._transcript.has_text_calls else text_calls.parse
        if reply.calls or not (calls := read(reply.text, self._tools) or self._instead_of(reply.text)):
            return reply
        log.info("tool calls read from text", model=reply.model, calls=[call.name for call in calls])
        return replace(reply, text="", calls=tuple(calls), finish="tool_calls", raw=(), api="")

    def _instead_of(self, text: str) -> Sequence[ToolCall]:
        return () if self._transcript.limit else self._role.instead(text)

    async def _request(self, bound: Bound, request: ModelRequest) -> ModelReply:
        with tracing.turn(self._role.model, self._transcript.turns[-1]) as span:
            async with bound():
                waits = Waits(self._watcher, self._meter)
                reply = await self._endpoint.complete(
                    request, waits.on_retry, self._watcher.on_text, waits.pause
                )
            tracing.record_reply(span, reply)
            return reply

    async def _next_request(self, may_call: bool) -> ModelRequest:
        request = ModelRequest(
            model=self._role.model,
            instructions=self._role.instructions,
            turns=self._transcript.turns,
            tools=sent(self._role.tools, self._transcript.offers),
            may_call=may_call,
            cache_key=f"handoff-{self._role.name}",
            pictures=await self._pictures.contents(self._transcript.turns),
        )
        return request if may_call or not self.has_text_calls else in_words(request)

    async def _compact(self, bound: Bound, *, urgent: bool = False) -> bool:
        window = self._prices.window(self._role.model)
        async with bound():
            step = await compaction.compact(
                self._transcript.turns, self._endpoint, self._role.model, window, urgent=urgent
            )
        if step is None:
            return False
        cost = self._prices.cost(step.model, step.usage, step.served)
        self._meter.spend(step.usage.total, cost or 0.0)
        await self._transcript.compact(step.entry | {"usage": asdict(step.usage), "cost": cost})
        return True

    async def _act(self, reply: ModelReply) -> LoopResult | None:
        text = self._transcript.text
        if self._transcript.limit:
            return self._last_result(reply)
        if reply.calls:
            return await self._run_calls()
        if text_calls.has_markup(reply.text, self._tools):
            return await self._correct(reply)
        if reply.finish == "content_filter":
            return LoopResult(text, "the model service's content filter stopped the reply")
        if reply.finish == "length":
            cut = LoopResult(text, "the reply was cut by the model's length limit")
            return await self._nudge(CUT, cut)
        if not reply.text.strip() and reply.commentary:
            ended = LoopResult(text, "the model said what it was doing and gave no answer")
            return await self._nudge(ONLY_COMMENTARY, ended)
        if not reply.text.strip():
            return await self._nudge(EMPTY, LoopResult(text, "the model gave an empty reply twice"))
        if reply.finish == "tool_calls":
            return await self._nudge(NO_CALL, LoopResult(text))
        if objection := self._role.objection(text):
            return await self._nudge(objection, LoopResult(text))
        return LoopResult(text)

    async def _correct(self, reply: ModelReply) -> LoopResult | None:
        """Ask once for calls through the API, then for words alone."""
        if self._transcript.has_text_calls:
            return await self._last_turn(self._needs_parser(reply.model))
        await self._transcript.nudge(MARKUP)
        return None

    def _last_result(self, reply: ModelReply) -> LoopResult:
        return LoopResult(self._words(reply.text), self._transcript.limit)

    def _words(self, text: str) -> str:
        return "" if text_calls.has_markup(text, self._tools) else text

    def _needs_parser(self, model: str) -> str:
        return (
            f"the model {model} at {self._endpoint.host} writes its tool calls as text, so they can't be "
            "run; its server may need a tool-call parser (docs/models.md)"
        )

    def _repeats_prompt(self) -> str:
        return (
            f"the model {self._role.model} at {self._endpoint.host} copies its instructions into its tool "
            "calls, so they can't be run"
        )

    async def _nudge(self, words: str, otherwise: LoopResult) -> LoopResult | None:
        if self._transcript.nudges >= NUDGES.get(words, 1):
            return otherwise
        await self._transcript.nudge(words)
        return None

    async def _run_calls(self) -> LoopResult | None:
        """Run the calls of one turn concurrently and write each result as it comes."""
        try:
            async with asyncio.TaskGroup() as group:
                running = [group.create_task(self._run_call(call)) for call in self._transcript.open_calls]
        except ExceptionGroup as several:
            raise _first(several) from several
        if waiting := [parked for task in running if (parked := task.result())]:
            # A question in words goes first: a message would count as its answer. An approval can wait.
            raise min(waiting, key=lambda one: bool(one.approval))
        results = self._transcript.results
        for result in results:
            if result["ends"]:
                return LoopResult(result["text"])
        if self._transcript.has_text_calls and all(REPEATS in result["facts"] for result in results):
            return await self._last_turn(self._repeats_prompt())
        most, times = (
            (SAME_RESULT_LIMIT_AS_TEXT, "three") if self.has_text_calls else (SAME_RESULT_LIMIT, "five")
        )
        if any(result["times"] >= most for result in results):
            return await self._last_turn(f"the same call has given the same result {times} times")
        return None

    async def _run_call(self, call: ToolCall) -> Parked | None:
        instructions = self._role.instructions if self._transcript.has_text_calls else ""
        output = await dispatch(call, self._tools, self._meter, instructions)
        if output.parks is not None:
            return Parked(*output.parks, output.asked, output.approval)
        await self._transcript.result(call, output, clock=self._meter.seconds)
        return None

    async def _read_inbox(self) -> None:
        messages = await self._inbox.unread()
        for message in messages:
            if await self._transcript.follow_up(message.id, message.text, message.pictures):
                self._watcher.on_follow_up(message.id)
        if messages:
            await self._inbox.mark([message.id for message in messages])

    async def _last_turn(self, limit: str) -> LoopResult:
        """One turn without tools, in which the agent hands back what it has: in the time that is left, and at
        least in `LAST_TURN_SECONDS`."""
        await self._transcript.stop(limit, _STOP_NOW.format(limit=limit))
        deadline = asyncio.get_running_loop().time() + max(LAST_TURN_SECONDS, self._meter.left)
        try:
            reply = await self._think(partial(asyncio.timeout_at, deadline), may_call=False)
        except (TimeoutError, ModelError) as error:
            log.warning("no reply in the last turn", limit=limit, why=str(error))
            return LoopResult(self._words(self._transcript.text), limit)
        return self._last_result(reply)


def _first(several: ExceptionGroup[Exception]) -> Exception:
    """One error of the group: a fatal error of one call cancels the others."""
    error = several.exceptions[0]
    return _first(error) if isinstance(error, ExceptionGroup) else error
