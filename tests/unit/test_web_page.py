"""`fetch_page`, against servers on loopback."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import pytest_asyncio
from aiohttp import web

from agents.errors import ToolFailure
from agents.tools import web_page
from agents.tools.team_tools import FETCH_PAGE, UNTRUSTED, WORKER_TOOLS
from agents.tools.web_page import PageReader
from sandbox.egress.allow_list import AllowList
from sandbox.egress.broker import TaskEgress
from sandbox.egress.policy import EgressLimits, EgressPolicy, EgressRequest
from sandbox.workspace import Workspace
from tests.support.http_server import http_server
from tests.support.model_scripts import Roles
from tests.support.scripted_model import Call, Say, ScriptedModel
from tests.support.team import Team, bodies, endpoint_of

PAGE = """<!DOCTYPE html><html><head><title>Status of Acme</title>
<meta property="article:published_time" content="2026-11-30T10:00:00Z"></head>
<body><nav><a href="/home">Home</a></nav><main><article><h1>All systems operational</h1>
<p>The export was slow between 10:00 and 10:40 UTC because a disk was full. See the
<a href="/incidents/42">full report</a> of the team for all of the details that matter.</p>
<table><tr><th>Service</th><th>State</th></tr><tr><td>API</td><td>up</td></tr></table>
</article></main><script>alert("never shown")</script></body></html>"""
PNG = b"\x89PNG\r\n\x1a\n" + bytes(20)


@dataclass
class Site:
    """A web server on loopback, and what was asked of it."""

    port: int = 0
    robots: str | int = 404
    paths: list[str] = field(default_factory=list)
    agents: set[str | None] = field(default_factory=set)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def reader(self, allow: str = "", limits: EgressLimits | None = None) -> PageReader:
        self.requests: list[EgressRequest] = []
        entries = AllowList.parse(allow or f"127.0.0.1:{self.port}")
        policy = EgressPolicy(entries, limits=limits or EgressLimits(), on_request=self.requests.append)
        return PageReader(TaskEgress(policy))


@pytest_asyncio.fixture
async def site() -> AsyncIterator[Site]:
    site = Site()

    async def answer(request: web.Request) -> web.StreamResponse:
        site.paths.append(request.path)
        site.agents.add(request.headers.get("User-Agent"))
        match request.path:
            case "/robots.txt" if isinstance(site.robots, int):
                return web.Response(status=site.robots)
            case "/robots.txt":
                return web.Response(text=str(site.robots))
            case "/private":
                return web.Response(text="operational")
            case "/status":
                return web.Response(text=PAGE, content_type="text/html")
            case "/report.pdf":
                return web.Response(body=b"%PDF-1.7 ...", content_type="application/pdf")
            case "/logo":
                return web.Response(body=PNG, content_type="image/png")
            case "/rates.json":
                return web.json_response({"EUR": 1.08})
            case "/latin":
                kind = {"Content-Type": "text/plain; charset=latin-1"}
                return web.Response(body="naïve".encode("latin-1"), headers=kind)
            case "/empty":
                return web.Response(text="<html><body></body></html>", content_type="text/html")
            case "/to":
                raise web.HTTPFound(request.query_string)
            case "/round":
                raise web.HTTPFound("/round")
            case "/endless":
                response = web.StreamResponse(headers={"Content-Type": "text/html"})
                await response.prepare(request)
                while True:
                    await response.write(bytes(65_536))
        return web.Response(status=404)

    async with http_server(answer) as site.port:
        yield site


async def test_a_page_is_text_with_title_date_table_and_links(site: Site) -> None:
    output = await site.reader().fetch_page(f"{site.url}/status#top")
    assert output.text.startswith(f"{site.url}/status\n")
    link = f"[full report]({site.url}/incidents/42)"
    for part in ("title: All systems operational", "2026-11-30", "| API | up |", link):
        assert part in output.text
    assert "never shown" not in output.text
    assert "Home" not in output.text
    assert [(one["host"], one["method"], one["status"]) for one in output.facts["requests"]] == [
        ("127.0.0.1", "GET", 404), ("127.0.0.1", "GET", 200),
    ]  # fmt: skip
    assert [one.received > 0 for one in site.requests] == [False, True]
    assert site.agents == {"Handoff/1 (fetch_page)"}


@pytest.mark.parametrize(
    ("path", "name", "content"),
    [("/report.pdf", "report.pdf", b"%PDF-1.7 ..."), ("/logo", "logo.png", PNG)],
)
async def test_another_file_comes_as_it_is(site: Site, path: str, name: str, content: bytes) -> None:
    output = await site.reader().fetch_page(f"{site.url}{path}")
    assert output.attached == ((name, content),)
    assert f"{len(content)} bytes" in output.text


@pytest.mark.parametrize(
    ("path", "text"), [("/rates.json", '{"EUR": 1.08}'), ("/latin", "naïve"), ("/empty", "no text")]
)
async def test_text_comes_as_it_is(site: Site, path: str, text: str) -> None:
    output = await site.reader().fetch_page(f"{site.url}{path}")
    assert (text in output.text, output.attached) == (True, ())


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("/endless", "more than 10,000,000 bytes"),
        ("/round", "redirects more than 5 times"),
        ("/missing", "answered 404 Not Found"),
        ("/to?http://127.0.0.1:1/", "127.0.0.1:1 may not be reached"),
        ("/to?http://169.254.169.254/latest", "169.254.169.254:80 may not be reached"),
        ("/to?file:///etc/passwd", "no address of a page"),
        ("/to?http://user:pw@127.0.0.1/", "no address of a page"),
    ],
)  # fmt: skip
async def test_what_can_not_be_read_is_a_sentence(site: Site, path: str, why: str) -> None:
    with pytest.raises(ToolFailure, match=why):
        await site.reader().fetch_page(f"{site.url}{path}")


NO_ADDRESSES = ["", "status", "ftp://a/b", "http://", "file:///etc/passwd", "http://[", "//a/b"]


@pytest.mark.parametrize("url", NO_ADDRESSES)
async def test_what_is_no_address_is_a_sentence(site: Site, url: str) -> None:
    with pytest.raises(ToolFailure, match="no address of a page"):
        await site.reader().fetch_page(url)


@pytest.mark.parametrize(
    ("robots", "allowed"),
    [
        ("User-agent: *\nDisallow: /private", False),
        ("User-agent: handoff\nDisallow: /\n\nUser-agent: *\nAllow: /", False),
        ("User-agent: *\nDisallow: /other", True),
        ("", True),
        (403, True),
        (503, False),
    ],
)
async def test_robots_txt_is_asked_once_for_each_host_and_obeyed(
    site: Site, robots: str | int, allowed: bool
) -> None:
    site.robots = robots
    reader = site.reader()
    for _ in range(2):
        if allowed:
            assert "operational" in (await reader.fetch_page(f"{site.url}/private")).text
        else:
            with pytest.raises(ToolFailure, match=r"robots\.txt of 127\.0\.0\.1 does not allow /private"):
                await reader.fetch_page(f"{site.url}/private")
    assert site.paths == ["/robots.txt", *(["/private"] * 2 if allowed else [])]


async def test_the_limits_of_a_task_hold_for_pages_too(site: Site) -> None:
    reader = site.reader(limits=EgressLimits(requests=2))
    await reader.fetch_page(f"{site.url}/private")
    with pytest.raises(ToolFailure, match="has made its 2 requests"):
        await reader.fetch_page(f"{site.url}/private")
    assert site.requests[-1].refusal


async def test_a_private_address_behind_a_name_is_refused(site: Site) -> None:
    with pytest.raises(ToolFailure, match=r"127\.0\.0\.1|::1"):
        await site.reader(f"localhost:{site.port}").fetch_page(f"http://localhost:{site.port}/status")
    assert site.paths == []


async def test_a_page_that_can_not_be_read_in_time_or_memory_is_a_sentence(
    site: Site, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    greedy = tmp_path / "greedy.py"
    greedy.write_text("import os; assert not os.environ.get('PATH'); bytes(1 << 60)")
    monkeypatch.setattr(web_page, "_READABLE", greedy)
    with pytest.raises(ToolFailure, match="can't be read as text"):
        await site.reader().fetch_page(f"{site.url}/status")


async def test_a_worker_reads_pages_where_hosts_are_allowed(site: Site, tmp_path: Path) -> None:
    brief = Call("create_worker", {"task_description": "Read it"})
    done = Call("report", {"status": "done", "summary": "Read."})
    called = [Call(FETCH_PAGE, {"url": f"{site.url}{path}"}) for path in ("/private", "/report.pdf")]
    script = Roles([brief, Say("Read.")], [*called, done])
    team = Team(egress=EgressPolicy(AllowList.parse(f"127.0.0.1:{site.port}")))
    async with ScriptedModel(script) as model, endpoint_of(model) as endpoint:
        await team.run_in(tmp_path, endpoint)
        model.assert_complete()
    mine = [asked for asked in model.requests if asked.is_worker]
    assert all(asked.tools == (*WORKER_TOOLS, FETCH_PAGE) for asked in mine)
    text, file = mine[-1].results[:2]
    assert text == f"{UNTRUSTED.format(tool=FETCH_PAGE)}\n{site.url}/private\noperational"
    assert "[Kept as /work/report.pdf]" in file
    assert await Workspace(tmp_path).read("report.pdf") == b"%PDF-1.7 ..."
    assert f"127.0.0.1:{site.port}" in model.requests[0].system
    journal = await team.journal.for_agent("w1")
    results = [entry for entry in bodies(journal, "result") if "requests" in entry["facts"]]
    assert [len(entry["facts"]["requests"]) for entry in results] == [2, 1]
