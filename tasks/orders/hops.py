"""Counts the hops of a watch that answers its own answers, because another app posts them again.

The run of a message is one hop further than the run whose answer the message repeats. Words of messages that
repeated nothing don't count: an answer may quote the alert that it explains, and the same alert comes again.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from tasks.message import Message
from tasks.orders.answers import RunAnswers
from tasks.store.key_value import KeyValueStore, task_namespace

#: Runs in a row of which each repeats the one before; the next is not started.
HOPS: Final = 3
#: Letters and digits in a row that make words a repetition; a shorter answer is repeated as a whole.
_RUN: Final = 40
_SHORTEST: Final = 8
#: Letters and digits of a text that are looked at.
_LOOKED_AT: Final = 4_000
#: The newest answers of a workspace's watches that are looked at.
_ANSWERS: Final = 20
_KEY: Final = "hops"


class Hops:
    """The hops of the runs of watches, kept with their tasks."""

    def __init__(self, answers: RunAnswers, kept: KeyValueStore) -> None:
        self._answers, self._kept = answers, kept

    async def before(self, message: Message) -> int:
        """How many runs led to a watch's message, one by the other's answer; 0 for words that are new."""
        runs = await self._answers.of_watches(message.thread.team, _ANSWERS)
        hops = [int(await self._kept.get(task_namespace(run.task), _KEY) or 0) for run in runs]
        first = [run.request for run, count in zip(runs, hops, strict=True) if not count]
        repeated = [n for run, n in zip(runs, hops, strict=True) if repeats(message.text, run.answer, first)]
        return 1 + max(repeated, default=-1)

    async def keep(self, message: Message, hops: int) -> None:
        """Keep them for the task that the message becomes."""
        if hops:
            await self._kept.put(task_namespace(message.task_id), _KEY, hops)


def repeats(said: str, answer: str, requests: Iterable[str]) -> bool:
    """Whether a text has words of an answer that are in none of the requests."""
    letters = _letters(answer)
    length = min(len(letters), _RUN)
    if length < _SHORTEST:
        return False
    shared = _parts(letters, length) & _parts(_letters(said), length)
    return bool(shared) and bool(shared.difference(*(_parts(_letters(text), length) for text in requests)))


def _letters(text: str) -> str:
    return "".join(letter for letter in text[: 2 * _LOOKED_AT].casefold() if letter.isalnum())[:_LOOKED_AT]


def _parts(letters: str, length: int) -> set[str]:
    return {letters[at : at + length] for at in range(len(letters) - length + 1)}
