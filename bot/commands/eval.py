"""`handoff eval`: give a set of tasks to the model of the settings, without Slack, and check the answers."""

from __future__ import annotations

import argparse
import json
import sys
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from bot.settings import Settings

if TYPE_CHECKING:
    from evals.results import Result
    from evals.sets import EvalSet

_RUN_EPILOG = """
FOLDER has tasks.jsonl, a line {"id", "request", "files"?, "check", "reply"?, "then"?} for each task. The
results are in OUT/results.jsonl and the log of each task below OUT/traces. The same command goes on where
an earlier one was stopped; with another HANDOFF_MODEL and the same OUT, the table compares both models.
The exit code is 1 when the budget ended the run.
"""


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = subparsers.add_parser("eval", help="measure answers with a set of tasks", description=__doc__)
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    run = actions.add_parser("run", help="run a set and print score, cost and time", epilog=_RUN_EPILOG)
    run.add_argument("folder", type=Path, metavar="FOLDER", help="the set, such as evals/office")
    run.add_argument("--out", type=Path, help="folder of the results; without it, in the data folder")
    run.add_argument("--at-once", type=_count, default=4, metavar="N", help="tasks at the same time")
    run.add_argument("--repeat", type=_count, default=1, metavar="K", help="repetitions of each task")
    run.add_argument("--tasks", type=_count, metavar="N", help="only the first N tasks")
    run.add_argument("--budget", type=float, metavar="USD", help="start no task after this was spent")
    run.add_argument("--against", type=Path, metavar="FILE", help="results.jsonl to compare with")
    run.add_argument("--json", action="store_true", help="print the scores as JSON")
    imported = actions.add_parser("import", help="make a set of another one that you have fetched")
    imported.add_argument("kind", choices=["dabench", "dacode"])
    imported.add_argument("folder", type=Path, metavar="FOLDER", help="where you have it")
    imported.add_argument("--out", type=Path, required=True, help="folder of the new set")


def _count(text: str) -> int:
    if text.isdecimal() and int(text) > 0:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is not a whole number above 0")


async def problems(args: argparse.Namespace, settings: Settings) -> tuple[str, ...]:
    from evals.sets import InvalidSet, read_set

    if args.action == "import":
        return ()
    try:
        read_set(args.folder)
    except InvalidSet as invalid:
        return invalid.problems
    if args.against is not None and not args.against.is_file():
        return (f"there is no file {args.against}; --against needs the results.jsonl of a run.",)
    if settings.openai_api_key is None and settings.openai_base_url is None:
        return ("There is no model: set OPENAI_API_KEY or OPENAI_BASE_URL.",)
    return ()


async def run(args: argparse.Namespace, settings: Settings) -> int:
    from bot.errors import BotError
    from evals.sets import InvalidSet

    try:
        return _import(args) if args.action == "import" else await _run(args, settings)
    except InvalidSet as invalid:
        raise BotError(str(invalid)) from None


def _import(args: argparse.Namespace) -> int:
    from evals.importers import LICENCES, import_set

    count, left_out = import_set(args.kind, args.folder, args.out)
    print(f"{args.out} has {count} tasks; {left_out} have no check that can be made here.")
    print(LICENCES[args.kind])
    return 0


async def _run(args: argparse.Namespace, settings: Settings) -> int:
    from dataclasses import replace

    from bot.factories.model import agent_deps, make_endpoint
    from bot.factories.sandbox import make_sandbox, ready_image
    from evals.made_files import make_files
    from evals.plot import NotDrawn, draw_scores
    from evals.results import score_models
    from evals.runner import EvalRunner
    from evals.sets import InvalidSet, missing_files, read_set

    eval_set = read_set(args.folder)
    folder: Path = args.out or settings.data_dir / "evals" / eval_set.name
    await ready_image(settings, lambda progress: print(progress, file=sys.stderr))
    async with AsyncExitStack() as stack:
        sandbox = await stack.enter_async_context(make_sandbox(settings))
        await make_files(eval_set, sandbox)
        if missing := missing_files(eval_set):
            raise InvalidSet(missing)
        endpoint = await stack.enter_async_context(make_endpoint(settings))
        deps = replace(agent_deps(settings, endpoint, sandbox), checks_figures=True)
        runner = EvalRunner(
            eval_set=eval_set, deps=deps, folder=folder, repeat=args.repeat, at_once=args.at_once,
            budget=args.budget, on_result=_print_result,
        )  # fmt: skip
        is_whole = await runner.run(eval_set.tasks[: args.tasks])
        scores = score_models(runner.results)
        try:
            (folder / "scores.png").write_bytes(await draw_scores(scores, sandbox))
        except NotDrawn as why:
            print(f"handoff: no plot: {why}", file=sys.stderr)
    _print_scores(args, eval_set, folder, runner.results)
    if not is_whole:
        print(f"handoff: {args.budget:.2f} USD are spent, so the rest did not start.", file=sys.stderr)
    return 0 if is_whole else 1


def _print_result(result: Result) -> None:
    mark = "error" if result.error else "right" if result.passed else "wrong"
    print(f"{mark}  {result.id} ({result.seconds:.1f} s)  {result.why[:160]}".rstrip(), file=sys.stderr)


def _print_scores(args: argparse.Namespace, eval_set: EvalSet, folder: Path, results: list[Result]) -> None:
    from dataclasses import asdict

    from evals.results import changes, read_results, score_models, table

    scores = score_models(results)
    changed = changes(results, read_results(args.against)) if args.against else []
    if args.json:
        found = {"set": eval_set.name, "models": [asdict(one) for one in scores], "changes": changed}
        print(json.dumps(found, ensure_ascii=False, indent=1))
        return
    print(table(scores))
    if args.against:
        print("\n".join(["", f"{len(changed)} tasks changed", *changed]))
    print(f"\n{folder}: results.jsonl, scores.png, traces/", file=sys.stderr)
