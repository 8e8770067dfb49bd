"""Words by which model services say what a status alone does not, in lower case.

Each is from a service's documentation, its answers or its users' reports. Never knows what follows from one:
that is `agents.faults` and `agents.dialect`.
"""

from __future__ import annotations

#: Money, not pace, is the problem; 429 is used for both.
QUOTA = (
    "insufficient_quota", "exceeded your current quota", "billing", "arrearage", "insufficient balance",
    "insufficient credits", "credit balance is too low", "freetieronly", "free allocated quota",
    "budget has been exceeded", "budget_exceeded", "key limit exceeded",
)  # fmt: skip
#: DashScope calls its tokens of a minute a quota, in OpenAI's words for money. There, money is `Arrearage`.
DASHSCOPE = ("dashscope", "aliyun", "allocated quota exceeded")
CONTEXT = (
    "context_length", "context length", "maximum context", "context window", "contextwindow", "context size",
    "context limit", "maximum model length", "maximum prompt length", "maximum number of tokens",
    "prompt is too long", "input is too long", "prompt exceeds max length", "range of input length",
    "too many tokens", "model token limit", "token length exceed", "`max_new_tokens` must be",
)  # fmt: skip
#: OpenAI and Groq answer 429 to a request that is larger than a whole minute's tokens: no wait makes it fit.
TOO_LARGE = "request too large"
CREDENTIALS = (
    "api key not valid", "invalid api key", "invalid_api_key", "incorrect api key", "no_db_connection",
)  # fmt: skip
MODEL = (
    "model_not_found", "model not exist", "deploymentnotfound", "is not a valid model",
    "not allowed to access model", "model.accessdenied", "access to model denied", "invalid model name",
)  # fmt: skip
TOOLS = (
    "does not support tools", "support tool use", "enable-auto-tool-choice", "does not support function call",
    "tool calling is not supported", "function calling is not enabled",
)  # fmt: skip
FILTER = (
    "content_filter", "content management policy", "data_inspection_failed", "datainspectionfailed",
    "content_policy_violation", "inappropriate content", "input was flagged", "violates usage guidelines",
)  # fmt: skip
#: Fields of an error's body with the service's words. Others repeat the request, whose words mean nothing.
TELLING = (
    "error", "message", "msg", "detail", "details", "code", "type", "status", "reason", "raw", "metadata",
    "innererror", "param", "loc",
)  # fmt: skip
#: Mistral and the chat templates of its models: a person's words may follow neither a result nor a person's.
ROLES = ("unexpected role", "roles must alternate")
