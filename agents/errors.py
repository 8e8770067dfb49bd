"""Every error of this room.

::

    AgentError
    ├── ToolFailure              told to the model as the result of its call; the loop goes on
    ├── ModelError               the model can't serve this turn; `str()` is for the person in the thread
    │   ├── FatalModelError      would hit every worker alike; ends the whole task
    │   │   ├── CredentialsRefused
    │   │   ├── QuotaExhausted
    │   │   ├── UnknownModel
    │   │   └── ToolsUnsupported
    │   ├── ContextTooLong
    │   ├── RequestRefused       the endpoint rejects what we send (other 4xx)
    │   └── ModelUnavailable     still failing after the last retry
    ├── ToolConfigError             what a team added can't be used as it is; for the operator, at the start
    ├── Superseded               another process writes this journal now; this one must stop without a word
    └── Parked                   not a fault: the task waits for a person and leaves the process

A `ModelError` carries the endpoint's own words in `detail`, for the operator's log only.
"""

from __future__ import annotations


class AgentError(Exception):
    """Base of all errors the agents raise on purpose."""


class ToolFailure(AgentError):
    """A tool could not do what it was asked; the message tells the model what to do instead."""


class ModelError(AgentError):
    """A model turn failed for good."""

    def __init__(self, sentence: str, *, detail: str = "") -> None:
        super().__init__(sentence)
        self.detail = detail


class FatalModelError(ModelError):
    """The failure is the same for every agent of the task, so none of them should go on."""


class CredentialsRefused(FatalModelError):
    """The endpoint does not accept the API key (401, 403)."""


class QuotaExhausted(FatalModelError):
    """The account behind the key has nothing left to spend; waiting does not help."""


class UnknownModel(FatalModelError):
    """The endpoint does not serve the configured model (404)."""


class ToolsUnsupported(FatalModelError):
    """The model, or the endpoint as it was started, takes no tools."""


class ContextTooLong(ModelError):
    """The conversation is longer than the model's window."""


class RequestRefused(ModelError):
    """The endpoint refuses the request for a reason no retry changes."""


class ModelUnavailable(ModelError):
    """Timeouts, cut streams, rate limits or server errors outlasted every retry."""


class ToolConfigError(AgentError):
    """What a team added can't be used; `problems` has a sentence for each thing that is wrong."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__(" ".join(problems))
        self.problems = problems


class Superseded(AgentError):
    """A journal's append met an entry of somebody else."""


class Parked(AgentError):
    """The task waits for a person's answer; the transcript holds everything needed to go on."""

    def __init__(self, question: str, options: tuple[str, ...], asked: str = "", approval: str = "") -> None:
        super().__init__(question)
        self.question = question
        self.options = options
        self.asked = asked
        self.approval = approval
