"""Durable tasks: accepted, queued, resumed and stopped, all recorded in SQL."""
