"""Slack on the wire: the Web API client with its rate limits, Socket Mode, and parsers for Slack's JSON."""
