"""Gives the messages that watches take to their orders."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot.intake.messages import PersonUnknown
from bot.orders.threads import watch_request
from bot.wire.events import SlackMessage
from bot.wire.reader import MessageReader
from tasks.message import Message
from tasks.orders.due import DueOrders, NotNow
from tasks.orders.order import Order
from tasks.orders.watches import Watches


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchedMessages:
    """Takes first messages of threads in channels. A message starts one run at most."""

    watches: Watches
    due: DueOrders
    reader: MessageReader

    def is_watched(self, message: SlackMessage) -> bool:
        """Whether a watch takes the message, from memory alone."""
        return bool(self._orders(message))

    async def handle(self, message: SlackMessage, bot_user: str) -> None:
        """Raises `PersonUnknown` while the owner's rights are not known; the message is then tried again."""
        if bot_user in (message.user, message.sender):
            return
        thread, text = message.thread, message.content.whole
        for order in self._orders(message):
            await self.reader.look_up(thread.team, [message.user], [message.content])
            author = message.app_name or self.reader.people.known(thread.team, message.user)
            said = watch_request(order, self.reader.plain(thread.team, text), author)
            taken = Message(
                thread=thread, ts=message.ts, user=order.owner, user_name=order.owner_name, text=said,
                files=message.files,
            )  # fmt: skip
            try:
                if await self.due.take(order, taken):
                    return
            except NotNow as error:
                raise PersonUnknown from error

    def _orders(self, message: SlackMessage) -> Sequence[Order]:
        """The watches that take a message; none for replies and direct messages."""
        if message.is_reply or message.is_direct:
            return ()
        thread, text = message.thread, message.content.whole
        return self.watches.matching(thread.team, thread.channel, text, by_app=message.by_bot)
