"""Runs inside every container, on the standard library alone.

PID 1: the protocol with the host, the one child that runs the program, its time, its output and its files.
What the child says is checked, and nothing of the host's side is imported.

Every container pays for what is imported here, so the modules do without dataclasses, pathlib and typing,
which would double the time to be ready.
"""
