"""The tools file: its shape, its secrets from the environment, and every problem at once."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from agents.errors import ToolConfigError
from agents.tools_file import load


def written(tmp_path: Path, body: object) -> Path:
    path = tmp_path / "tools.json"
    path.write_text(body if isinstance(body, str) else json.dumps(body))
    return path


def problems(tmp_path: Path, body: object) -> list[str]:
    path = written(tmp_path, body)
    with pytest.raises(ToolConfigError) as caught:
        load(path, {})
    assert all(problem.startswith(str(path)) for problem in caught.value.problems)
    return [problem.removeprefix(f"{path}: ") for problem in caught.value.problems]


def test_both_kinds_of_servers_and_terms_of_functions(tmp_path: Path) -> None:
    body = {
        "servers": {
            "files": {"command": "server", "args": ["--root", "${ROOT}"], "tools": {"read": {}}},
            "wiki": {
                "url": "https://wiki.example/mcp", "headers": {"Authorization": "Bearer ${TOKEN}"},
                "tools": {"search": {}, "edit": {"ask_first": True}}, "seconds": 5,
            },
        },
        "functions": {"send_mail": {"ask_first": True}},
    }  # fmt: skip
    file = load(written(tmp_path, body), {"ROOT": "/srv", "TOKEN": "t0p"})
    assert file.servers["files"].args == ["--root", "/srv"]
    assert file.servers["wiki"].headers == {"Authorization": "Bearer t0p"}
    assert [terms.ask_first for terms in file.servers["wiki"].tools.values()] == [False, True]
    assert file.functions["send_mail"].ask_first


def test_every_problem_is_told_at_once_and_where_it_is(tmp_path: Path) -> None:
    found = problems(tmp_path, {
        "servers": {
            "no way in": {"command": "x", "tools": {"a": {}}},
            "both": {"command": "x", "url": "http://x", "tools": {"a": {}}},
            "all": {"command": "x"},
            "typo": {"command": "x", "tools": {"a": {"askfirst": True}}},
            "word": {"command": "x", "tools": {"a": {"ask_first": "yes"}}},
            "none": {"command": "x", "tools": {}},
        },
        "function": {},
    })  # fmt: skip
    told = "\n".join(found)
    assert "servers.no way in is wrong" in told
    assert "servers.both is wrong: give either command" in told
    assert "servers.all.tools is missing" in told
    assert "servers.typo.tools.a.askfirst is not known here" in told
    assert "servers.word.tools.a.ask_first is wrong" in told
    assert "servers.none.tools is wrong" in told
    assert "function is not known here" in told
    assert len(found) == 7


def test_two_tools_that_a_model_could_not_tell_apart_are_refused(tmp_path: Path) -> None:
    long = "a" * 60
    names = ["pages.read", "pages/read", f"{long}1", f"{long}2", "search"]
    server = {"command": "x", "tools": {name: {} for name in names}}
    assert problems(tmp_path, {"servers": {"wiki": server}}) == [
        "the whole is wrong: models know pages.read of wiki and pages/read of wiki by one name, "
        f"wiki_pages_read, and {long}1 of wiki and {long}2 of wiki by one name, "
        f"wiki_{'a' * 59}: allow one of each. docs/extend.md shows "
        "the whole shape."
    ]


def test_a_tool_that_is_named_twice_does_not_lose_its_question(tmp_path: Path) -> None:
    tools = '{"edit": {"ask_first": true}, "read": {}, "edit": {}}'
    (found,) = problems(tmp_path, f'{{"servers": {{"wiki": {{"command": "x", "tools": {tools}}}}}}}')
    assert found.endswith("is not JSON (edit is there twice in one object). Correct it there.")


def test_a_variable_that_is_not_set_is_named_and_no_secret_is_shown(tmp_path: Path) -> None:
    server = {"url": "ftp://${HOST}", "headers": {"Key": "${KEY}"}, "tools": {"a": {}}}
    path = written(tmp_path, {"servers": {"s": server}})
    with pytest.raises(ToolConfigError) as caught:
        load(path, {"KEY": "sesame-open-up"})
    assert f"{path} names ${{HOST}}, which is not set. Set HOST." in caught.value.problems
    assert "sesame" not in str(caught.value)


@pytest.mark.parametrize("body", ["", "{", "[1]", "null", '"x"', '{"servers": []}', "\x00"])
def test_what_is_no_tools_file_is_refused_in_a_sentence(tmp_path: Path, body: str) -> None:
    path = written(tmp_path, body)
    with pytest.raises(ToolConfigError, match=r"tools\.json"):
        load(path, {})


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(ToolConfigError, match=r"can't be read \(No such file or directory\)"):
        load(tmp_path / "nowhere.json", {})


def test_bytes_that_are_no_text_are_told(tmp_path: Path) -> None:
    path = tmp_path / "tools.json"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ToolConfigError, match="is not JSON"):
        load(path, {})
