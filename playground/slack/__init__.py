"""A local stand-in for Slack: Web API, Socket Mode, signed HTTP events, and the state behind a page."""
