"""Many small programs in one container, since a container for each would take minutes of a core.

Each has a process and a folder of its own, and is run by what runs a program in the sandbox. Figures that it
shows are in `/work` and not in its folder.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from sandbox.job import Job, Status
from sandbox.sandbox import Sandbox

RUN_ALL = """
import json, os, sys
from supervisor import program

def whole(descriptor):
    with open(descriptor, "rb") as output:
        output.seek(0)
        return output.read().decode("utf-8", "replace")

ended = []
with open("programs.json") as listed:
    programs = json.load(listed)
for number, code in enumerate(programs):
    folder = f"/work/{number}"
    os.makedirs(folder, exist_ok=True)
    outputs = [os.memfd_create(name) for name in ("stdout", "stderr")]
    if (child := os.fork()) == 0:
        os.chdir(folder)
        sys.path[0] = folder
        for stream, output in enumerate(outputs, 1):
            os.dup2(output, stream)
        os._exit(program.run(code))
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    ended.append([status, *map(whole, outputs)])
with open("ended.json", "w") as listed:
    json.dump(ended, listed)
"""
#: In front of it, for programs that need these: they are imported once for all.
WITH_DATA = "import pandas, matplotlib.pyplot\n"


@dataclass(frozen=True)
class ProgramEnd:
    """How one of the programs ended."""

    exit_code: int
    stdout: str
    stderr: str
    files: Mapping[str, bytes]
    """What its folder has new, by name."""


async def run_together(
    sandbox: Sandbox,
    programs: Sequence[str],
    files: Mapping[str, bytes] | Sequence[Mapping[str, bytes]] = MappingProxyType({}),
    *,
    data: bool = False,
) -> list[ProgramEnd]:
    """Run `programs` one after the other; each finds `files` in its folder, or those of its place in a list.
    `data`: they use pandas."""
    folders = [files] * len(programs) if isinstance(files, Mapping) else files
    given = {f"{n}/{name}": content for n, folder in enumerate(folders) for name, content in folder.items()}
    job = Job(
        code=(WITH_DATA if data else "") + RUN_ALL,
        files={**given, "programs.json": json.dumps(programs).encode()},
    )
    run = await sandbox.run(job)
    assert (run.status, run.stderr) == (Status.OK, ""), run.sentence
    made = run.contents()
    ended = json.loads(made.pop("ended.json"))
    return [
        ProgramEnd(code, stdout, stderr, _in_folder(str(n), made))
        for n, (code, stdout, stderr) in enumerate(ended)
    ]


def _in_folder(folder: str, files: Mapping[str, bytes]) -> dict[str, bytes]:
    return {
        path.removeprefix(f"{folder}/"): data for path, data in files.items() if path.startswith(f"{folder}/")
    }
