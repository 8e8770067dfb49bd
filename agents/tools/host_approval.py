"""Hosts that a person has to allow, once in a thread, before programs reach them."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace

from agents.conversation import ToolCall
from agents.errors import ToolFailure
from agents.tools import Tool, ToolOutput
from agents.tools.approvals import ApprovalGate
from agents.tools.team_tools import ASK_FOR_HOST
from sandbox.egress.allow_list import normalized
from sandbox.egress.broker import TaskEgress

_WANTS = "wants the programs of this thread to reach **{}**."


@dataclass(frozen=True, slots=True)
class HostApproval:
    """Asks for the hosts of one task. What counts is the decision that is stored: without one, a host is
    closed in every new process."""

    egress: TaskEgress
    gate: ApprovalGate

    async def restore(self) -> None:
        """Open the hosts that a person has allowed in this thread."""
        for host in self.egress.policy.allow.asks:
            await self._open(host)

    def tools(self) -> list[Tool]:
        """`ask_for_host`, where there is a host to ask for."""
        allow = self.egress.policy.allow
        if not (allow and allow.asks):
            return []
        tool = Tool.from_function(self.ask_for_host)
        return [replace(tool, description=f"{tool.description}\nThese ask: {', '.join(sorted(allow.asks))}")]

    async def ask_for_host(self, call: ToolCall, host: str) -> ToolOutput:
        """Ask a person to allow a host, once in a thread, before a program or page needs it.

        Args:
            host: Its name, as listed.
        """
        try:
            name = normalized(host.strip())
        except ValueError as error:
            raise ToolFailure(f"{error}.") from None
        allow = self.egress.policy.allow
        if not allow.names(name):
            raise ToolFailure(f"{name} may not be reached, and no person is asked. These may: {allow}.")
        if name in allow.asks and not await self._open(name):
            if wait := await self.gate.check(_call(name, call.id), wants=_WANTS.format(name)):
                return wait
            self.egress.grant(name)
        return ToolOutput(f"{name} can be reached now.")

    async def _open(self, host: str) -> bool:
        allowed = await self.gate.was_allowed(_call(host))
        if allowed:
            self.egress.grant(host)
        return allowed


def _call(host: str, id_: str = "") -> ToolCall:
    """The call that is decided on: one for each host, however a model spells it."""
    return ToolCall(id=id_, name=ASK_FOR_HOST, arguments=json.dumps({"host": host}))
