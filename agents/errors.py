"""The errors of this room.

::

    AgentError
    ├── ToolFailure              becomes the result of the call; the loop goes on
    ├── ModelError               a model turn failed; `str()` is a sentence for the person in the thread
    │   ├── FatalModelError      is the same for all workers; ends the task
    │   │   ├── CredentialsRefused
    │   │   ├── QuotaExhausted
    │   │   ├── UnknownModel
    │   │   └── ToolsUnsupported
    │   ├── ContextTooLong
    │   ├── RequestRefused       the endpoint rejects the request (other 4xx)
    │   └── ModelUnavailable     still failing after the last retry
    ├── ToolConfigError          the team's tools are configured wrongly; for the operator, at the start
    │   └── SkillsRefused        so are its skills
    ├── Superseded               another process writes this journal now; this one must stop silently
    └── Parked                   no failure: the task waits for a person and leaves the process

A `ModelError` has the endpoint's own words in `detail`, for the operator's log only.
"""

from __future__ import annotations


class AgentError(Exception):
    """Base of the agents' errors."""


class ToolFailure(AgentError):
    """A tool call failed; the message says to the model what to do instead."""


class RepeatedPrompt(ToolFailure):
    """The arguments of a call only repeat what the model was given: descriptions, or its instructions."""


class ModelError(AgentError):
    """A model turn failed, and no retry helps."""

    def __init__(self, sentence: str, *, detail: str = "") -> None:
        super().__init__(sentence)
        self.detail = detail


class FatalModelError(ModelError):
    """A failure that is the same for all agents of the task."""


class CredentialsRefused(FatalModelError):
    """The endpoint does not accept the API key (401, 403)."""


class QuotaExhausted(FatalModelError):
    """The account behind the key has no credit left; waiting does not help."""


class UnknownModel(FatalModelError):
    """The endpoint does not serve the configured model (404)."""


class ToolsUnsupported(FatalModelError):
    """The model, or the server's configuration, takes no tools."""


class ContextTooLong(ModelError):
    """The conversation is longer than the model's context window."""


class RequestRefused(ModelError):
    """The endpoint refuses the request for another reason that no retry changes."""


class ModelUnavailable(ModelError):
    """Timeouts, cut streams, rate limits or server errors outlasted the retries."""


class ToolConfigError(AgentError):
    """The team's tools can't be used; `problems` has a sentence for each problem."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__(" ".join(problems))
        self.problems = problems


class SkillsRefused(ToolConfigError):
    """The team's skills can't be used; `problems` has a sentence for each problem."""


class Superseded(AgentError):
    """An append met an entry of another process."""


class Parked(AgentError):
    """The task waits for a person's answer; the journal has everything to continue."""

    def __init__(self, question: str, options: tuple[str, ...], asked: str = "", approval: str = "") -> None:
        super().__init__(question)
        self.question = question
        self.options = options
        self.asked = asked
        self.approval = approval
