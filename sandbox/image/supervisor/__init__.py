"""Runs inside every container, on the standard library alone.

Owns PID 1: the protocol with the host, the one child that runs the program, its time, its output and its
files. Never trusts the child, and never imports anything of the host's side.

Every container pays for what is imported here, so the modules do without dataclasses, pathlib and typing,
which would double the time to be ready.
"""
