"""The tools file: the standard form and the old one, secrets from the environment, all problems at once."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from agents.errors import ToolConfigError
from agents.tools.tools_file import load_tools_file


def written(tmp_path: Path, body: object) -> Path:
    path = tmp_path / "tools.json"
    path.write_text(body if isinstance(body, str) else json.dumps(body))
    return path


def problems(tmp_path: Path, body: object) -> list[str]:
    path = written(tmp_path, body)
    with pytest.raises(ToolConfigError) as caught:
        load_tools_file(path, {})
    assert all(problem.startswith(str(path)) for problem in caught.value.problems)
    return [problem.removeprefix(f"{path}: ") for problem in caught.value.problems]


WIKI = {
    "type": "http", "url": "https://wiki.example/mcp", "headers": {"Authorization": "Bearer ${TOKEN}"},
    "seconds": 5,
}  # fmt: skip
FILES = {"command": "server", "args": ["--root", "${ROOT}"], "env": {"LEVEL": "${LEVEL:-info}"}}


def test_the_standard_form_with_what_workers_may_call(tmp_path: Path) -> None:
    body = {
        "mcpServers": {"files": FILES, "wiki": WIKI},
        "allow": {"files": ["read"], "wiki": ["search", "edit"]},
        "ask_first": ["wiki_edit", "send_mail"],
    }
    file = load_tools_file(written(tmp_path, body), {"ROOT": "/srv", "TOKEN": "t0p"})
    assert file.servers["files"].args == ["--root", "/srv"]
    assert file.servers["files"].env == {"LEVEL": "info"}
    assert file.servers["wiki"].headers == {"Authorization": "Bearer t0p"}
    assert file.tool_names() == ["files_read", "wiki_search", "wiki_edit"]
    assert file.ask_first == ["wiki_edit", "send_mail"]


def test_a_file_of_another_client_works_and_its_permissions_do_not(tmp_path: Path) -> None:
    theirs = {"command": "x", "autoApprove": ["a"], "alwaysAllow": ["a"], "timeout": 60, "disabled": False}
    off = {"command": "y", "disabled": True}
    body = {"mcpServers": {"mine": theirs, "off": off}, "allow": {"mine": ["a"], "off": ["b"]}}
    file = load_tools_file(written(tmp_path, body), {})
    assert (file.tool_names(with_disabled=False), file.ask_first) == (["mine_a"], [])


def test_the_old_form_is_read_with_a_warning(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wiki = {**WIKI, "tools": {"search": {}, "edit": {"ask_first": True}}}
    del wiki["type"]
    body = {"servers": {"wiki": wiki}, "functions": {"send_mail": {"ask_first": True}, "greet": {}}}
    file = load_tools_file(written(tmp_path, body), {"TOKEN": "t0p"})
    assert (file.servers["wiki"].url, file.servers["wiki"].seconds) == ("https://wiki.example/mcp", 5)
    assert file.allow == {"wiki": ["search", "edit"]}
    assert sorted(file.ask_first) == ["send_mail", "wiki_edit"]
    assert "Rename `servers` to `mcpServers`" in capsys.readouterr().out


def test_a_misspelled_question_of_the_old_form_is_refused(tmp_path: Path) -> None:
    tools = {"a": {"askfirst": True}, "b": {"ask_first": "yes"}}
    found = problems(tmp_path, {"servers": {"s": {"command": "x", "tools": tools}, "t": {"command": "x"}}})
    assert [problem.partition(" is ")[0] for problem in found] == [
        "servers.s.tools.a.askfirst", "servers.s.tools.b.ask_first", "servers.t.tools",
    ]  # fmt: skip


def test_every_problem_is_reported_at_once_and_where_it_is(tmp_path: Path) -> None:
    found = "\n".join(problems(tmp_path, {
        "mcpServers": {
            "none": {}, "both": {"command": "x", "url": "http://x"}, "old": {"type": "sse", "url": "http://x"},
            "word": {"command": "x", "seconds": "5"},
        },
        "allow": {"none": [], "both": "a"},
        "askfirst": [],
    }))  # fmt: skip
    assert "mcpServers.none is wrong: give either command" in found
    assert "mcpServers.both is wrong: give either command" in found
    assert "mcpServers.old is wrong: type sse is not supported" in found
    assert "mcpServers.word.seconds is wrong" in found
    assert "allow.none is wrong" in found
    assert "allow.both is wrong" in found
    assert "askfirst is not known here" in found


def test_a_server_offers_nothing_that_is_not_allowed(tmp_path: Path) -> None:
    body = {"mcpServers": {"wiki": {"command": "x"}}, "allow": {"wikki": ["search"]}}
    (found,) = problems(tmp_path, body)
    assert "no tool of wiki is allowed: list those that workers may call in allow.wiki" in found
    assert "allow names wikki, which is not in mcpServers" in found


def test_tools_with_one_name_are_refused(tmp_path: Path) -> None:
    long = "a" * 60
    allow = {
        "wiki": ["pages.read", "pages/read", f"{long}1", f"{long}2", "search"],
        "execute": ["python_code"],
    }
    servers = {name: {"command": "x"} for name in allow}
    (found,) = problems(tmp_path, {"mcpServers": servers, "allow": allow})
    assert "pages.read of wiki and pages/read of wiki by one name, wiki_pages_read" in found
    assert f"{long}1 of wiki and {long}2 of wiki by one name, wiki_{'a' * 59}" in found
    assert "execute_python_code of Handoff and python_code of execute by one name" in found


def test_a_name_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    (found,) = problems(tmp_path, '{"ask_first": ["wiki_edit"], "ask_first": []}')
    assert found.endswith("is not JSON (ask_first is there twice in one object). Correct it there.")


def test_a_variable_that_is_not_set_is_named_and_no_secret_is_shown(tmp_path: Path) -> None:
    server = {"url": "ftp://${env:HOST}", "headers": {"Key": "${KEY}"}}
    path = written(tmp_path, {"mcpServers": {"s": server}, "allow": {"s": ["a"]}})
    with pytest.raises(ToolConfigError) as caught:
        load_tools_file(path, {"KEY": "sesame-open-up"})
    assert f"{path} names ${{HOST}}, which is not set. Set HOST." in caught.value.problems
    assert "sesame" not in str(caught.value)


@pytest.mark.parametrize(
    "body", ["", "{", "[1]", "null", '"x"', '{"mcpServers": []}', '{"servers": []}', "\x00"]
)
def test_a_file_of_another_kind_is_refused_in_a_sentence(tmp_path: Path, body: str) -> None:
    path = written(tmp_path, body)
    with pytest.raises(ToolConfigError, match=r"tools\.json"):
        load_tools_file(path, {})


def test_a_file_that_is_not_there_is_reported(tmp_path: Path) -> None:
    with pytest.raises(ToolConfigError, match=r"can't be read \(No such file or directory\)"):
        load_tools_file(tmp_path / "nowhere.json", {})


def test_bytes_that_are_no_text_are_reported(tmp_path: Path) -> None:
    path = tmp_path / "tools.json"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ToolConfigError, match="is not JSON"):
        load_tools_file(path, {})


@pytest.mark.parametrize(
    ("host", "headers"),
    [
        ("*.example.com", {"Authorization": "Bearer key-of-the-api"}),
        ("https://example.com", {"Authorization": "Bearer key-of-the-api"}),
        ("example.com", {"Authorization": "Bearer key\r\nHost: other.example"}),
        ("example.com", {"Authorization\r\nHost": "other.example"}),
        ("example.com", {"Bad name": "key-of-the-api"}),
        ("example.com", {"Authorization": ""}),
        ("example.com", {}),
    ],
)
def test_a_credential_that_could_go_astray_is_refused(
    tmp_path: Path, host: str, headers: dict[str, str]
) -> None:
    (found, *_) = problems(tmp_path, {"hosts": {host: {"headers": headers}}})
    assert "hosts" in found
    assert "key-of-the-api" not in found
