"""What people read in a task's thread beside the agents' own words: plan, answer, questions, files."""

from __future__ import annotations

from collections.abc import Sequence

# Progress. Plain text, as rows and titles show it.
WORKING = "Working on it"
PLANNING = "Planning"
WRITING_ANSWER = "Putting the answer together"
WAITING_FOR_ANSWER = "Waiting for an answer"
STATUS_LINE = "is working on it…"
STOPPED_ROW = "stopped"
PLAN_CONTINUES_BELOW = "The plan continues below."


def workers_done(done: int, workers: int) -> str:
    return f"{done} of {workers} done"


def since_last_step(title: str, minutes: int) -> str:
    return f"{title} · {minutes} min since the last step"


def dropped(step: str) -> str:
    return f"Dropped: {step}"


def finished(failed_steps: int, duration: str) -> str:
    if not failed_steps:
        return f"Done · {duration}"
    return f"Finished with {failed_steps} failed step{'' if failed_steps == 1 else 's'} · {duration}"


def stopped(duration: str) -> str:
    return f"Stopped · {duration}"


def failed(duration: str) -> str:
    return f"Failed · {duration}"


# The answer, in Markdown.
EXPIRED = "No one answered in time, so I ended this."
HOSTS_SHOWN = 5
LESS_THAN_A_CENT = "less than 1 ¢"


def full_answer(file: str, length: int) -> str:
    return f"_The full answer is in {file} ({length:,} characters)._"


def full_table(file: str, rows: int, columns: int) -> str:
    return f"_The full table is in {file} ({rows:,} rows, {columns} columns)._"


def further_headings(titles: Sequence[str]) -> str:
    return "\n".join(["**Further on:**", *(f"- {title}" for title in titles)])


SOURCES = "Sources"


def figures_with_source(count: int, runs_only: bool) -> str:
    figures = f"{count:,} figure{'' if count == 1 else 's'}"
    are = "," if count == 1 else ", all"
    return f"{figures}{are} from runs" if runs_only else f"{figures}{are} with a source"


def figures_without_source(count: int, figures: str) -> str:
    if count == 1:
        return f"One figure has no source in any run, tool or report: {figures}"
    return f"{count:,} figures have no source in any run, tool or report: {figures}"


def workers(count: int) -> str:
    return f"{count} worker{'' if count == 1 else 's'}"


def reached(hosts: Sequence[str]) -> str:
    """Hosts of the network, without links: Slack makes none of text in code."""
    more = f" and {len(hosts) - HOSTS_SHOWN} more" if len(hosts) > HOSTS_SHOWN else ""
    return f"reached {', '.join(f'`{host}`' for host in hosts[:HOSTS_SHOWN])}{more}"


def tokens(count: int) -> str:
    return f"{count:,} tokens"


def task_id(id_: str) -> str:
    """So that a person can report a failure."""
    return f"Task {id_}"


# Questions.
APPROVE, DENY, STOP = "Approve", "Deny", "Stop"
GOOD_ANSWER, BAD_ANSWER = "Good answer", "Bad answer"
ANSWER_HERE = "Answer here in the thread."
CHOOSE_OR_ANSWER = "Choose one, or answer here in the thread."
NOT_APPROVED = "Not run: no one pressed Approve."
STOPPED_BEFORE_ANSWER = "Stopped before an answer came."
NOT_ANSWERED = "No one answered in time."


def only_requester_can_press(name: str) -> str:
    return f"Only {name} or a workspace admin can decide, with a button."


def answered(name: str, answer: str) -> str:
    return f'{name} answered: "{answer}"'


# Files.
EMPTY_FILE = "it is empty, and Slack takes no empty files"
NOT_FROM_SLACK = "it isn't stored in Slack"
LOGIN_NEEDED = "Slack asks for a login; the app needs the scope files:read"
NO_DOWNLOAD = "Slack offers no download for it"
ENDLESS_REDIRECTS = "Slack redirects the download without end"
DOWNLOAD_TIMED_OUT = "the download took too long"
DOWNLOAD_BROKE_OFF = "the download broke off"
FILE_CHANGED = "it has changed or is gone since the run"
SLACK_BUSY = "Slack doesn't take it right now"


def file_outside(address: str) -> str:
    return f"it isn't stored in Slack but at {address}"


def file_not_read(name: str, why: str) -> str:
    return f"I couldn't read {name}: {why}."


def file_not_posted(path: str, why: str) -> str:
    return f"I couldn't post {path}: {why}."


def files_not_posted(paths: Sequence[str], limit: int) -> str:
    return f"I post at most {limit} files. Not posted: {', '.join(paths)}."


def file_too_large(mib: float, limit_mib: float) -> str:
    return f"it has {mib:.1f} MiB, and the limit is {limit_mib:.0f} MiB"


def slack_error(error: str, scope: str = "") -> str:
    """`scope`: the one that the app lacks, where that is why."""
    return f"Slack answered {error}{f'; the app needs the scope {scope}' if scope else ''}"


def no_address(error: str) -> str:
    """`error`: Slack's error code, or empty when it may pass."""
    return f"Slack doesn't say where it is ({error})" if error else "Slack doesn't say where it is right now"


# A proposed note.
REMEMBER_HERE = "Shall I remember this for every task in this channel?"
REMEMBER_FOR_YOU = "Shall I remember this for your tasks in this conversation?"
KEEP, DISCARD = "Keep", "Discard"
