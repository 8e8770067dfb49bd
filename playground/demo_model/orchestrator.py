"""The orchestrator's next turn: an answer of its own, a question, a plan, workers, or the final answer."""

from __future__ import annotations

import re
from collections.abc import Sequence

from playground.demo_model import answers, channels, orders, planner, skills, worker
from playground.demo_model.conversation import CallEntry, Conversation, Json, MessageEntry, Reply, ToolUse
from playground.demo_model.picture import SeenPicture
from playground.demo_model.planner import Parts

WORKER = "create_worker"
_GREETING = re.compile(
    r"(?:hi|hello|hey|good (?:morning|afternoon|evening)|help|\?)(?: handoff| there| all)?[\s!.?]*"
)
_ABOUT = re.compile(
    r"(?:who|what) are you\b.*|(?:what|how) can (?:you|i)\b.*|how do(?:es)? (?:you|this|it) work\b.*"
)
_THANKS = re.compile(
    r"(?:thanks?|thank you|thx|great|cool|nice|perfect)(?: (?:so|very|much|a|lot|work|job))*[\s!.]*"
)
_ABOUT_PICTURES = re.compile(
    r"(?i)\b(?:see|look|describe|read)\b|\b(?:screenshot|picture|image|photo)s?\b|\bwhat (?:does|is|do)\b"
)
_REMEMBER = re.compile(r"(?i)(?:please )?remember(?: that|:)? (.+)")
_ASK_FIRST = re.compile(r"(?i)\bask me first\b[\s,.:;-]*(?:and\s+|then\s+)*")
_AGAIN = re.compile(
    r"(?i)^(?:please\s+)?(?:(?:do|run|try)\s+(?:it|that|this)\s+)?(?:once\s+)?again\b|^the same\b|^repeat\b"
)


def reply(conversation: Conversation) -> Reply:
    """The next turn of the orchestrator."""
    new = _unhandled(conversation)
    if not new or WORKER not in conversation.tools:
        return _closing(conversation)
    request = _chosen_skill(conversation) or _with_history(new, conversation.earlier_requests)
    if proposal := orders.reply(conversation, request):
        return proposal
    if about_a_channel := channels.reply(conversation, request):
        return about_a_channel
    if (pictures := _pictures(conversation)) and _ABOUT_PICTURES.search(request):
        return Reply(answers.seen(pictures))
    if wish := _REMEMBER.fullmatch(" ".join(request.split())):
        return _remembering(conversation, wish[1])
    if talk := _small_talk(request):
        return Reply(talk)
    if opening := skills.reply(conversation, request):
        return opening
    request = skills.with_skill(conversation, request)
    if _ASK_FIRST.search(request) and "ask_user" in conversation.tools and not conversation.calls("ask_user"):
        question = conversation.arguments("ask_user", question=answers.ASKING, options=list(answers.OPTIONS))
        return Reply("", (question,))
    parts = planner.split(_ASK_FIRST.sub("", request) or request)
    if not any(worker.can_do(brief) for brief in _briefs(conversation, parts)):
        return _refusal(conversation)
    if len(parts.items) > 1 and "plan" in conversation.tools and not _planned(conversation):
        return Reply(f"{len(parts.items)} independent parts.", (_plan(conversation, parts.items, "pending"),))
    return _delegation(conversation, parts)


def _unhandled(conversation: Conversation) -> tuple[str, ...]:
    """What people wrote in the current task since the last worker started."""
    new: list[str] = []
    for entry in conversation.task:
        if isinstance(entry, MessageEntry):
            new.append(entry.words)
        elif entry.name == WORKER:
            new.clear()
    return tuple(new)


def _pictures(conversation: Conversation) -> tuple[SeenPicture, ...]:
    """The pictures of the current task's messages."""
    said = (entry for entry in conversation.task if isinstance(entry, MessageEntry))
    return tuple(picture for entry in said for picture in entry.pictures)


def _planned(conversation: Conversation) -> bool:
    """Whether a plan was shown since a person's last message."""
    last = max(n for n, entry in enumerate(conversation.task) if isinstance(entry, MessageEntry))
    return any(isinstance(entry, CallEntry) and entry.name == "plan" for entry in conversation.task[last:])


def _with_history(new: Sequence[str], earlier: Sequence[str]) -> str:
    """The whole request: "again" and "the same but …" refer to the request before."""
    request = "\n".join(text for text in new if text)
    before = next((text for text in reversed(earlier) if not _AGAIN.match(text)), "")
    if not _AGAIN.match(request) or not before:
        return request
    change = _AGAIN.sub("", request).strip(" ,.!") or ""
    change = re.sub(r"(?i)^(?:but|with)\s+", "", change)
    if not change:
        return before
    items = planner.split(before).items
    return "\n".join(f"{n}. {change} ({item})" for n, item in enumerate(items, 1)) if items else change


def _small_talk(request: str) -> str:
    said = " ".join(request.lower().split())
    if not said or _GREETING.fullmatch(said) or _ABOUT.fullmatch(said):
        return f"{answers.HELP}\n\n{answers.LABEL}"
    return f"{answers.THANKS}\n\n{answers.LABEL}" if _THANKS.fullmatch(said) else ""


def _remembering(conversation: Conversation, note: str) -> Reply:
    """Proposes a note, then says where to press."""
    if "remember" in conversation.tools and not conversation.calls("remember"):
        return Reply("", (ToolUse("remember", {"text": note[:1].upper() + note[1:]}),))
    words = answers.PROPOSED if conversation.calls("remember") else answers.NO_MEMORY
    return Reply(f"{words}\n\n{answers.LABEL}")


def _chosen_skill(conversation: Conversation) -> str:
    """What the person chose or wrote instead of a request that the demo model can't do."""
    refused = [
        call for call in conversation.calls("ask_user") if call.arguments.get("question") == answers.CANT
    ]
    answer = (refused[-1].result or "").strip() if refused else ""
    return next((skill for skill in answers.SKILLS if skill in answer), answer)


def _refusal(conversation: Conversation) -> Reply:
    """Offers what the demo model can do: as buttons once, then in words."""
    if "ask_user" not in conversation.tools or conversation.calls("ask_user") or orders.is_run(conversation):
        return Reply(answers.cant())
    options = list(answers.SKILLS)
    return Reply("", (conversation.arguments("ask_user", question=answers.CANT, options=options),))


def _briefs(conversation: Conversation, parts: Parts) -> list[str]:
    """A brief for each part, with what all share: context, the person's answers, the files."""
    said = [entry for entry in conversation.entries if isinstance(entry, MessageEntry)]
    files = tuple(dict.fromkeys(file for entry in said for file in entry.files))
    questions = [call for call in conversation.calls("ask_user") if call.result]
    answered = [call.result for call in questions if call.arguments.get("question") != answers.CANT]
    shared = "\n".join([parts.shared, *(f"Answer of the person: {answer}" for answer in answered)]).strip()
    takes_deliverable = "deliverable" in conversation.tools[WORKER].get("properties", {})
    return [
        answers.brief(part, shared, files, with_deliverable=not takes_deliverable) for part in parts.items
    ]


def _delegation(conversation: Conversation, parts: Parts) -> Reply:
    calls = [
        conversation.arguments(
            WORKER, title=answers.title(part), task_description=brief, deliverable=answers.DELIVERABLE
        )
        for part, brief in zip(parts.items, _briefs(conversation, parts), strict=True)
    ]
    return Reply("Handing this over." if len(calls) == 1 else "Handing the parts over.", tuple(calls))


def _closing(conversation: Conversation) -> Reply:
    """Ticks off the plan if there is one with states, then answers."""
    workers = conversation.calls(WORKER)
    last = conversation.task[-1]
    shown = conversation.calls("plan")
    if shown and "plan" in conversation.tools and isinstance(last, CallEntry) and last.name == WORKER:
        steps = [str(call.arguments.get("title")) for call in workers]
        states = ["complete" if answers.succeeded(call.result or "") else "error" for call in workers]
        if _has_status(conversation.tools["plan"]):
            return Reply("", (_plan(conversation, steps, *states),))
    reports = [(str(call.arguments.get("title") or "Result"), call.result or "") for call in workers]
    return Reply(answers.final(reports))


def _plan(conversation: Conversation, parts: Sequence[str], *states: str) -> ToolUse:
    """A call of `plan` in the form of its schema, with one state per part or the same for all."""
    titles = [answers.title(part) for part in parts]
    given = states if len(states) == len(titles) else states * len(titles)
    if not _is_object(conversation.tools["plan"]):
        return ToolUse("plan", {"steps": titles})
    known = _step(conversation.tools["plan"]).get("properties") or {}
    steps = [{"text": title, "status": state} for title, state in zip(titles, given, strict=True)]
    return ToolUse("plan", {"steps": [{k: v for k, v in step.items() if k in known} for step in steps]})


def _step(schema: Json) -> Json:
    """The schema of one step of a plan."""
    found = schema.get("properties", {}).get("steps", {}).get("items")
    return found if isinstance(found, dict) else {}


def _is_object(schema: Json) -> bool:
    return _step(schema).get("type") == "object"


def _has_status(schema: Json) -> bool:
    return "status" in (_step(schema).get("properties") or {})
