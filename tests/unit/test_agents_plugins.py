"""Functions that packages install as tools, found through real entry points of a real installed package."""

from __future__ import annotations

import asyncio
import importlib.metadata
import json
import sys
import textwrap
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from agents.conversation import ToolCall
from agents.errors import ToolConfigError, ToolFailure
from agents.tools.plugins import GROUP, load_plugins

Install = Callable[..., list[importlib.metadata.EntryPoint]]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Puts a package on the path as an installer would; returns its entry points."""

    def put(code: str, **points: str) -> list[importlib.metadata.EntryPoint]:
        name = f"team_tools_{len(list(tmp_path.iterdir()))}"
        (tmp_path / f"{name}.py").write_text(textwrap.dedent(code))
        info = tmp_path / f"{name}-1.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1\n")
        lines = [f"{point} = {name}:{target}" for point, target in points.items()]
        (info / "entry_points.txt").write_text("\n".join([f"[{GROUP}]", *lines]) + "\n")
        return list(importlib.metadata.distribution(name).entry_points)

    monkeypatch.syspath_prepend(str(tmp_path))
    yield put
    for name in [name for name in sys.modules if name.startswith("team_tools_")]:
        del sys.modules[name]


GOOD = '''
    def open_tickets(customer: str, limit: int = 5) -> list[str]:
        """List a customer's open tickets.

        Args:
            customer: The customer's number.
            limit: At most so many.
        """
        return [f"{customer}-{n}" for n in range(limit)]

    async def greet(name: str) -> str:
        """Greet somebody."""
        return f"Hello {name}"
'''


async def test_a_typed_function_with_a_docstring_is_a_tool(install: Install) -> None:
    install(GOOD, tickets="open_tickets", greet="greet")
    greet, tickets = load_plugins(["open_tickets"])
    assert (greet.ask_first, tickets.ask_first) == (False, True)
    assert tickets.tool.description == "List a customer's open tickets."
    assert tickets.tool.schema["required"] == ["customer"]
    assert tickets.tool.schema["properties"]["limit"]["description"] == "At most so many."
    call = ToolCall("c", "open_tickets", '{"customer": "7", "limit": 2}')
    assert json.loads((await tickets.tool.call(call)).text) == ["7-0", "7-1"]
    assert (await greet.tool.call(ToolCall("c", "greet", '{"name": "Ann"}'))).text == "Hello Ann"
    with pytest.raises(ToolFailure, match="limit is wrong"):
        await tickets.tool.call(ToolCall("c", "open_tickets", '{"customer": "7", "limit": "x"}'))


BROKEN = {
    "import": ("import nowhere_to_be_found", "f", "No module named 'nowhere_to_be_found'"),
    "name": ("", "gone", "AttributeError"),
    "class": ("class f: 'x'", "f", "it is not a function"),
    "docstring": ("def f(a: int): pass", "f", "no docstring"),
    "types": ("def f(a):\n    'x'", "f", "its parameter a has no type"),
    "error": ("raise SystemError('bad')", "f", "SystemError: bad"),
    "exit": ("raise SystemExit('no licence')", "f", "SystemExit: no licence"),
    "many": ("def f(*words: str):\n    'x'", "f", "its parameter words takes any number of arguments"),
    "more": ("def f(**words: str):\n    'x'", "f", "its parameter words takes any number of arguments"),
    "nameless": ("def f(a: int, /):\n    'x'", "f", "its parameter a can't be given by name"),
    "letters": ("def größe(a: int):\n    'x'", "größe", "its name is größe, and model services take 64 of"),
    "taken": ("def report(a: int):\n    'x'", "report", "a tool report already"),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_what_can_be_no_tool_is_reported_to_the_operator_in_a_sentence(install: Install, kind: str) -> None:
    code, target, why = BROKEN[kind]
    points = install(code, mine=target)
    with pytest.raises(ToolConfigError) as caught:
        load_plugins(points=points)
    (sentence,) = caught.value.problems
    assert sentence.startswith("The tool mine of the package team_tools_0 (team_tools_0:")
    assert why in sentence
    assert sentence.endswith("Correct or remove it.")


def test_all_problems_are_reported_at_once(install: Install) -> None:
    points = [
        *install(GOOD, greet="greet"),
        *install(GOOD, greet="greet"),
        *install("1/0", bad="f"),
    ]
    with pytest.raises(ToolConfigError) as caught:
        load_plugins(["gret"], points=points)
    problem_text = "\n".join(caught.value.problems)
    assert "Two installed packages have a tool greet" in problem_text
    assert "ZeroDivisionError" in problem_text
    assert "gret in ask_first, which is neither" in problem_text


async def call(install: Install, code: str, arguments: str = "{}") -> str:
    (tool,) = load_plugins(points=install(code, mine="f"))
    async with asyncio.timeout(60):
        return (await tool.tool.call(ToolCall("c", "f", arguments))).text


async def test_a_coroutine_behind_a_plain_decorator_is_awaited(install: Install) -> None:
    code = """
        import functools

        def traced(function):
            @functools.wraps(function)
            def around(*args, **kwargs):
                return function(*args, **kwargs)
            return around

        @traced
        async def f(name: str) -> str:
            "Greet somebody."
            return f"Hello {name}"
    """
    assert await call(install, code, '{"name": "Ann"}') == "Hello Ann"


async def test_a_search_that_finds_nothing_fails_and_does_not_hang(install: Install) -> None:
    code = """
        def f() -> str:
            "Find the first one."
            return next(name for name in ["Ann"] if name == "Bob")
    """
    with pytest.raises(RuntimeError, match="StopIteration"):
        await call(install, code)


async def test_functions_that_never_return_hold_up_no_one_else(install: Install) -> None:
    code = """
        import threading

        free = threading.Event()

        def f() -> str:
            "Wait for a server that never answers."
            free.wait()
            return "late"
    """
    (hung,) = load_plugins(points=install(code, mine="f"))
    calls = [asyncio.ensure_future(hung.tool.call(ToolCall("c", "f", "{}"))) for _ in range(50)]
    await asyncio.sleep(0.1)
    try:
        async with asyncio.timeout(60):
            assert await asyncio.to_thread(len, "abc") == 3
        assert all(thread.daemon for thread in threading.enumerate() if thread.name == "f"), (
            "they hold no exit"
        )
        for call_ in calls[1:]:
            call_.cancel()
    finally:
        sys.modules["team_tools_0"].free.set()
    assert (await calls[0]).text == "late"
    await asyncio.wait(calls)
