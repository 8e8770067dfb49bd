"""The messages that propose a note, each with Keep and Discard."""

from __future__ import annotations

from bot.thread import texts
from bot.thread.blocks import DISCARD, KEEP, Block, actions_block, button, section_block
from bot.thread.posts import ThreadPosts
from bot.wire.text import escape, silence_mentions
from tasks.store.proposals import NoteProposals
from tasks.task import Task


async def post(posts: ThreadPosts, proposals: NoteProposals, task: Task) -> None:
    """Post each open proposal of a task once; see `ThreadPosts.post_once` for what it raises."""
    for id_, text in (await proposals.of(task.id)).items():
        quoted = "\n".join(f"> {line}" for line in escape(silence_mentions(text)).splitlines())
        is_own = task.thread.channel.startswith("D")
        words = f"{texts.REMEMBER_FOR_YOU if is_own else texts.REMEMBER_HERE}\n{quoted}"
        await posts.post_once(
            f"note:{id_}", text=words, blocks=_blocks(words, {"task": task.id, "note": id_})
        )


def _blocks(words: str, value: dict[str, str]) -> list[Block]:
    buttons = [button(texts.KEEP, KEEP, value, style="primary"), button(texts.DISCARD, DISCARD, value)]
    return [section_block(words), actions_block(*buttons)]
