"""Sets of tasks with checks, run through the real engine without Slack: `handoff eval`."""
