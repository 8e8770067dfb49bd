"""The agents: the loop, the orchestrator and its workers, their tools, prompts and budgets, the model's wire.

Never knows of Slack, the database or Docker's API.
"""
