"""Runs untrusted Python in throwaway containers.

Owns the image, the containers and their limits, the supervisor inside them, the files that go in and
come out, and cleaning up. Never knows of agents, Slack or tasks.
"""
