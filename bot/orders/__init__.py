"""Standing orders in Slack: their tools, their words, and where they run."""
