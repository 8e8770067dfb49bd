"""The limits and packages of the sandbox, for the description of `execute_python_code`."""

from __future__ import annotations

from sandbox.sandbox import Sandbox


def sandbox_facts(sandbox: Sandbox) -> str:
    """Sentences with the limits of a program and, once a container has been ready, the versions it finds."""
    limits = sandbox.limits
    cores = "1 core" if limits.cpus == 1 else f"{limits.cpus:g} cores"
    sentences = [
        f"A program may take {limits.timeout_seconds:g} s, {limits.memory_mb} MiB of memory with its files, "
        f"{limits.work_mb} MiB in /work and {cores}."
    ]
    if versions := [f"{name} {version}" for name, version in sandbox.installed.items()]:
        sentences.append(f"Installed, and nothing can be added: {', '.join(versions)}.")
    if sandbox.installed.get("pandas", "").startswith("3"):
        sentences.append(
            "pandas 3 has copy-on-write: assign results (df['a'] = df['a'].fillna(0)), since chained "
            "assignment and inplace on a column change nothing and raise an error here."
        )
    return " ".join(sentences)
