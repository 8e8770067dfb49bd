"""One module per `handoff` command, each with a `run` that returns the exit code."""
