"""Reasoning that a server without a reasoning parser leaves in the text of a reply.

The forms are the tags of Qwen, DeepSeek, Mistral and others, and the channels of gpt-oss (harmony).
"""

from __future__ import annotations

import re

#: The tags around reasoning, with their ends.
_TAGS = {
    "<think>": "</think>", "<thinking>": "</thinking>", "<thought>": "</thought>",
    "<reasoning>": "</reasoning>", "<seed:think>": "</seed:think>", "[THINK]": "[/THINK]",
    "◁think▷": "◁/think▷", "<|begin_of_thought|>": "<|end_of_thought|>",
}  # fmt: skip
#: What a message of gpt-oss begins with.
CHANNEL_TAGS = ("<|channel|>", "<|start|>")
OPENING_TAGS = (*_TAGS, *CHANNEL_TAGS)
_TAG = re.compile("|".join(re.escape(tag) for pair in _TAGS.items() for tag in pair))
#: gpt-oss: the channel of a message, with its special tokens or with what is left when a server drops them.
_CHANNEL = re.compile(
    r"(?:<\|start\|>)?(?:assistant)?<\|channel\|>(?P<kind>analysis|final|commentary(?! to=))\s*<\|message\|>"
)
_END_OF_MESSAGE = re.compile(r"<\|(?:end|return|call)\|>")
_BARE_ANALYSIS = re.compile(r"analysis(?=[A-Z\d\"'“(])")
_BARE_FINAL = "assistantfinal"
_BARE_CALL = "assistantcommentary to="
_FENCE = re.compile(r"```.*?(?:```|\Z)|`[^`\n]*`", re.DOTALL)
#: What any of the forms holds and most texts do not. A draft is looked at again and again while it grows.
_HINTS = (
    "think>", "thinking>", "thought>", "thought|>", "reasoning>", "THINK]", "think▷", "<|channel|>",
)  # fmt: skip


def strip_reasoning(text: str) -> str:
    """The text without its reasoning. Tags in code, and opening tags within a line, are examples and stay.

    Reasoning that has not ended yet hides the rest of the text. The opening tag may be missing: with some
    models it is part of the request.
    """
    has_tags = any(mark in text for mark in "<[◁") and any(hint in text for hint in _HINTS)
    if not has_tags and not text[:40].lstrip().startswith("analysis"):
        return text
    if _CHANNEL.search(text):
        return _final_channel(text)
    if _BARE_ANALYSIS.match(text.lstrip()):
        return _after_analysis(text)
    return _without_tags(text)


def _final_channel(text: str) -> str:
    """The messages of the channel `final`; else calls written as text, or commentary."""
    parts: dict[str, list[str]] = {"analysis": [], "final": [], "commentary": []}
    begins = list(_CHANNEL.finditer(text))
    ends = [*(begin.start() for begin in begins[1:]), len(text)]
    calls = text[: begins[0].start()]
    for begin, end in zip(begins, ends, strict=True):
        message, *after = _END_OF_MESSAGE.split(text[begin.end() : end], maxsplit=1)
        parts[begin["kind"]].append(message)
        calls += "".join(after)
    found = "".join(parts["final"]) or calls.strip() or "".join(parts["commentary"])
    return found.strip()


def _after_analysis(text: str) -> str:
    final, call = text.rfind(_BARE_FINAL), text.rfind(_BARE_CALL)
    if final >= 0:
        return text[final + len(_BARE_FINAL) :].lstrip()
    return text[call:] if call >= 0 else ""


def _without_tags(text: str) -> str:
    code = [found.span() for found in _FENCE.finditer(text)]
    kept: list[str] = []
    position, closing, examples = 0, "", set[str]()
    for tag in _TAG.finditer(text):
        if not closing and any(start <= tag.start() < end for start, end in code):
            continue
        if closing:
            if tag[0] == closing:
                position, closing = tag.end(), ""
        elif tag[0] in _TAGS and text[position : tag.start()].rpartition("\n")[2].strip():
            examples.add(_TAGS[tag[0]])
        elif tag[0] in _TAGS:
            kept.append(text[position : tag.start()])
            closing = _TAGS[tag[0]]
        elif tag[0] not in examples:  # the opening tag was in the request
            kept.clear()
            position = tag.end()
    if not closing:
        kept.append(text[position:])
    found = "".join(kept)
    return found if found == text else found.strip()
