"""Factories that build the other rooms' parts from the settings: database, model, sandbox, tools, tracing."""
