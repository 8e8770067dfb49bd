"""The agents: the loop, the orchestrator and its workers, their tools, prompts, budgets and model client."""
