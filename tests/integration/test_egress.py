"""Programs reach allowed servers through the egress broker. Needs Docker."""

from __future__ import annotations

from pathlib import Path

import pytest

from agents.budget import Budget, Meter
from agents.programs import Programs
from agents.report import reached_hosts
from agents.worker_steps import WorkerSteps
from sandbox.egress.allow_list import AllowList
from sandbox.egress.broker import TaskEgress
from sandbox.egress.policy import Credential, EgressPolicy, EgressRequest
from sandbox.job import Job, Status
from sandbox.sandbox import Sandbox
from sandbox.workspace import Workspace
from tests.support.egress import TOKEN, Outbound, serve_site


@pytest.mark.asyncio(loop_scope="session")
async def test_ordinary_libraries_reach_an_allowed_server(outbound: Outbound) -> None:
    site = outbound.site
    code = f"""
import os, urllib.request
import pandas, requests
base = "{site.url}"
print(urllib.request.urlopen(base + "/hello").read())
session = requests.Session()
print(session.get(base + "/hello").text, session.post(base + "/echo", data="sent " * 3).text[-15:])
print(session.head(base + "/hello").headers["Content-Length"], session.put(base + "/hello").status_code)
print(list(pandas.read_csv(base + "/hello").columns))
print(requests.get("https://127.0.0.1:{site.tls_port}/hello", verify="ca.pem").text)
print(len(session.get(base + "/bytes/3000000").content))
print(len(session.post(base + "/echo", data=b"y" * 2_000_000).content) > 2_000_000)
"""
    run, made = await outbound.run(code)
    wanted = ["b'hello'", "hello sent sent sent ", "5 200", "['hello']", "hello", "3000000", "True"]
    assert run.stdout.splitlines() == wanted, run.stderr
    methods = ["GET", "GET", "POST", "HEAD", "PUT", "GET", "CONNECT", "GET", "POST"]
    assert [(one.method, one.status) for one in made] == [(method, 200) for method in methods]
    assert {one.host for one in made} == {"127.0.0.1"}
    assert sum(one.received for one in made) > 5_000_000


@pytest.mark.asyncio(loop_scope="session")
async def test_without_egress_there_is_no_proxy(shared_sandbox: Sandbox) -> None:
    code = "import os\nprint([name for name in os.environ if 'proxy' in name.lower()])"
    assert (await shared_sandbox.run(Job(code=code))).stdout == "[]\n"


@pytest.mark.asyncio(loop_scope="session")
async def test_connections_at_once_do_not_hold_up_output_or_files(outbound: Outbound) -> None:
    """Some of them are not read, while a large file is loaded and much is printed."""
    code = f"""
import os, socket, urllib.request
from concurrent.futures import ThreadPoolExecutor
proxy = os.environ["http_proxy"].removeprefix("http://").split(":")
idle = []
for _ in range(20):
    idle.append(socket.create_connection((proxy[0], int(proxy[1]))))
    idle[-1].sendall(b"GET {outbound.site.url}/bytes/2000000 HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n")
def load(_):
    return len(urllib.request.urlopen("{outbound.site.url}/bytes/500000").read())
with ThreadPoolExecutor(8) as pool:
    loads = pool.map(load, range(16))
    print("y" * 300_000)
    print(len(open("large", "rb").read()))
    print(sum(loads))
"""
    run, made = await outbound.run(code, files={"large": b"z" * 5_000_000})
    assert run.stdout.endswith("5000000\n8000000\n"), run.stderr
    assert len(made) == 36


@pytest.mark.asyncio(loop_scope="session")
async def test_the_attach_stream_carries_connections_too(sandbox_image: str, tmp_path: Path) -> None:
    async with serve_site(tmp_path) as site, Sandbox(image=sandbox_image, ready=0, transport="attach") as own:
        code = "import os, urllib.request\n"
        code += f"print(len(urllib.request.urlopen('{site.url}/bytes/1000000').read()))"
        run, made = await Outbound(own, site).run(code)
    assert (run.stdout, len(made)) == ("1000000\n", 1)


@pytest.mark.asyncio(loop_scope="session")
async def test_a_refusal_is_a_sentence_in_body_and_traceback(outbound: Outbound) -> None:
    code = """
import requests
print(requests.get("http://api.example.com/rates").text)
requests.get("https://api.example.com/rates")
"""
    run, made = await outbound.run(code)
    assert "api.example.com:80 may not be reached from here." in run.stdout
    assert "HANDOFF_SANDBOX_EGRESS=api.example.com" in run.stdout
    assert "api.example.com:443 may not be reached from here." in run.stderr
    assert [(one.method, one.port, one.status) for one in made][:2] == [
        ("GET", 80, 403),
        ("CONNECT", 443, 403),
    ]
    assert made[0].refusal.startswith("api.example.com:80 may not be reached")


@pytest.mark.asyncio(loop_scope="session")
async def test_a_credential_is_added_by_https_and_masked_where_it_comes_back(outbound: Outbound) -> None:
    site = outbound.site
    code = f"""
import os, requests
for sent in ({{}}, {{"Authorization": "Bearer mine"}}, {{"authorization": "Bearer mine"}}):
    response = requests.get("http://127.0.0.1:{site.tls_port}/echo", headers=sent)
    print(response.status_code, response.headers["X-Echo"], "mine" in response.text)
    print(response.text.count("{"*" * len(TOKEN)}"))
print(dict(os.environ))
"""
    credential = Credential({"Authorization": f"Bearer {TOKEN}"}, (TOKEN,))
    run, made = await outbound.run(code, credentials={("127.0.0.1", site.tls_port): credential})
    assert run.status is Status.OK, run.stderr
    stars = "*" * len(TOKEN)
    assert run.stdout.startswith(f"200 Bearer {stars} False\n1\n" * 3)
    assert TOKEN not in run.stdout + run.stderr + repr(made)
    assert [request.headers.getall("Authorization") for request in site.requests] == [[f"Bearer {TOKEN}"]] * 3
    assert all(request.secure for request in site.requests)


@pytest.mark.asyncio(loop_scope="session")
async def test_a_worker_reads_what_was_refused_and_its_journal_has_each_request(
    outbound: Outbound, tmp_path: Path
) -> None:
    """With a credential that is in neither what the model reads nor what the journal keeps."""
    site, seen = outbound.site, list[EgressRequest]()
    credential = Credential({"X-Key": TOKEN}, (TOKEN,))
    policy = EgressPolicy(
        AllowList.parse(f"127.0.0.1:{site.port}"), {("127.0.0.1", 443): credential}, on_request=seen.append
    )
    programs = Programs(
        "w1", outbound.sandbox, Workspace(tmp_path / "files"), egress=TaskEgress(policy),
        meter=Meter(Budget()), steps=WorkerSteps("w1", lambda _: None), queue=(),
    )  # fmt: skip
    assert f"reach these hosts and no others: 127.0.0.1:{site.port}" in programs.tool().description
    code = f"""
import os, urllib.request
os.environ.pop("no_proxy"), os.environ.pop("NO_PROXY")
print(urllib.request.urlopen("{site.url}/hello").read())
for url in ["http://api.example.com/"] * 5 + ["http://127.0.0.1/"]:
    try:
        urllib.request.urlopen(url)
    except OSError:
        pass
"""
    output = await programs.execute_python_code(code)
    assert "b'hello'" in output.text
    assert output.text.count("refused request: api.example.com:80 may not be reached from here") == 1
    assert [one["host"] for one in output.facts["requests"]] == [one.host for one in seen]
    assert reached_hosts([{"facts": output.facts}]) == ("127.0.0.1",)
    assert output.facts["requests"][0]["received"] == 5
    assert TOKEN not in f"{output} {programs.tool()}"
