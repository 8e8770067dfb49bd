"""The stand-in's background: what runs is cancelled at the end, and an error in it is not swallowed."""

from __future__ import annotations

import asyncio

import pytest

from playground.slack.background import Background


async def test_closing_cancels_what_runs() -> None:
    background, cancelled = Background(), asyncio.Event()

    async def forever() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    await background.open()
    background.start(forever())
    await asyncio.sleep(0)
    await background.close()
    assert cancelled.is_set()


async def test_an_error_is_raised_on_closing() -> None:
    background = Background()

    async def fail() -> None:
        raise ValueError("broken")

    await background.open()
    background.start(fail())
    await asyncio.sleep(0.01)
    with pytest.raises(ExceptionGroup) as caught:
        await background.close()
    assert caught.group_contains(ValueError, match="broken")


async def test_what_comes_later_comes_once_and_not_after_the_end() -> None:
    background, done = Background(), []
    await background.open()
    background.later(0.0, lambda: done.append("soon"))
    background.later(60.0, lambda: done.append("late"))
    await asyncio.sleep(0.02)
    await background.close()
    background.later(0.0, lambda: done.append("after"))
    await asyncio.sleep(0.02)
    assert done == ["soon"]


async def test_nothing_starts_before_the_opening() -> None:
    with pytest.raises(RuntimeError, match="async with"):
        Background().later(0.0, lambda: None)
