"""Spans of tasks, agents, turns and tools, after OpenTelemetry's conventions for generative AI."""
