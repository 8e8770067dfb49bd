"""`handoff backup` and `handoff restore` on both databases."""

from __future__ import annotations

import io
import json
import tarfile
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path

import pytest

from bot.commands import backup as save
from bot.commands import restore
from bot.errors import BotError
from bot.settings import Settings
from tasks.store import backup
from tasks.store.database import Database
from tasks.store.tasks import TaskStore
from tasks.task import State
from tests.integration.test_keeping import done, foundation, message, upgrade, work_of
from tests.integration.test_operator import handoff
from tests.support.databases import opened
from tests.support.postgres import Postgres
from tests.support.scripted_model import Asked, Call, Reply, Say, ScriptedModel
from tests.support.task_harness import message as written
from tests.support.task_harness import task_harness


class Place:
    """A machine's home folder, where `HANDOFF_DATA_DIR` is not set, and its database."""

    def __init__(self, home: Path, url: str = "") -> None:
        home.mkdir()
        self.home = home
        self.data = home / ".local" / "share" / "handoff"
        self.url = url or f"sqlite:///{self.data / 'handoff.db'}"
        self._given = url

    async def save(self, file: Path) -> None:
        async with opened(self.url) as database:
            await backup.save(database, self.data / "work", file, release="0.1.0")

    async def restore(self, file: Path, *, overwrite: bool = False) -> None:
        """What the command does, in this process."""
        assert await restore.run(Namespace(file=file, overwrite=overwrite), self._settings) == 0

    async def refused(self, file: Path, capsys: pytest.CaptureFixture[str]) -> str:
        """What the command `backup` says on stderr in this process, when it refuses."""
        capsys.readouterr()
        assert await save.run(Namespace(file=file), self._settings) == 1
        return capsys.readouterr().err

    @property
    def _settings(self) -> Settings:
        environ = {"HANDOFF_DATA_DIR": str(self.data), "HANDOFF_DATABASE_URL": self._given}
        return Settings.load(environ, self.home / ".env")

    async def handoff(self, *words: str) -> tuple[int, str, str]:
        """The real command line."""
        return await handoff(
            self.home, *words, HANDOFF_DATA_DIR="", HOME=str(self.home), HANDOFF_DATABASE_URL=self._given
        )


Places = Callable[[str], Place]


@pytest.fixture
def place(tmp_path: Path, postgres_server: Postgres) -> Places:
    """Makes a new place with an empty database of a kind, `sqlite` or `postgres`."""
    made: list[Place] = []

    def make(kind: str) -> Place:
        url = postgres_server.create() if kind == "postgres" else ""
        made.append(Place(tmp_path / f"home{len(made)}", url))
        return made[-1]

    return make


async def asks_first(asked: Asked) -> Reply:
    if "Paint it" in str(asked.body["messages"]) and not asked.results:
        return Call("ask_user", {"question": "Which colour?", "options": ["red", "blue"]})
    return Say(f"Done with {asked.results[-1] if asked.results else 'it'}.")


@pytest.mark.parametrize(
    ("kind", "other"),
    [
        ("sqlite", "postgres"),
        ("postgres", "sqlite"),
        pytest.param("sqlite", "sqlite", marks=pytest.mark.soak),
        pytest.param("postgres", "postgres", marks=pytest.mark.soak),
    ],
)
async def test_a_restored_system_goes_on(place: Places, tmp_path: Path, kind: str, other: str) -> None:
    before, after, file = place(kind), place(other), tmp_path / "saved.tar.gz"
    async with (
        ScriptedModel(asks_first) as model,
        task_harness(before.url, model, before.data / "work") as harness,
    ):
        old = (await harness.engine.accept(message(1))).task
        await harness.until(old)
        work_of(before.data / "work", message(1))
        parked = (await harness.engine.accept(written("2.0", "Paint it"))).task
        await harness.until(parked, State.WAITING)
        # Written down and not placed: what a bot that is killed at this moment leaves.
        queued = (await TaskStore(harness.database).accept(written("3.0", "Later"))).task

        saved = await before.handoff("backup", str(file))
    assert saved == (0, f"Saved 3 tasks and 1 files of threads to {file}.\n", "")
    assert file.stat().st_mode & 0o777 == 0o600

    code, out, error_text = await after.handoff("restore", str(file))
    assert (code, error_text) == (0, ""), error_text
    assert out == "Restored 3 tasks and 1 files of threads. Start the bot: handoff serve\n"
    assert [path.read_text() for path in (after.data / "work").rglob("data.csv")] == ["a,b\n"]
    async with opened(after.url) as database:
        assert {task.id for task in await TaskStore(database).recent()} == {old, parked, queued}

    async with (
        ScriptedModel(asks_first) as model,
        task_harness(after.url, model, after.data / "work") as harness,
    ):
        assert (await harness.until(queued)).state is State.ANSWERED
        await harness.engine.accept(written("2.1", "red", thread="2.0"))
        assert (await harness.until(parked)).answer == "Done with Ann: red."
        assert (await harness.engine.accept(message(1))).task == old, "a message is claimed once"
        new = (await harness.engine.accept(written("4.0", "More"))).task
        assert (await harness.until(new)).state is State.ANSWERED


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
async def test_what_is_there_is_replaced_only_with_overwrite_and_not_under_a_running_bot(
    place: Places, tmp_path: Path, kind: str
) -> None:
    source, target, file = place(kind), place(kind), tmp_path / "saved.tar.gz"
    async with opened(source.url) as database:
        wanted = await done(database, message(1))
    work_of(source.data / "work", message(1))
    await source.save(file)

    async with (
        ScriptedModel(asks_first) as model,
        task_harness(target.url, model, target.data / "work") as harness,
    ):
        there = (await harness.engine.accept(message(2))).task
        await harness.until(there)
        with pytest.raises(BotError, match="Handoff is running on"):
            await target.restore(file, overwrite=True)
    with pytest.raises(BotError, match=r"The database holds tasks\. Add --overwrite to replace them\."):
        await target.restore(file)
    work_of(target.data / "work", message(2))
    with pytest.raises(BotError, match=r"holds files of threads\. Add --overwrite to replace them\."):
        await target.restore(file)
    async with opened(target.url) as database:
        assert [task.id for task in await TaskStore(database).recent()] == [there]

    await target.restore(file, overwrite=True)
    async with opened(target.url) as database:
        assert [task.id for task in await TaskStore(database).recent()] == [wanted]
    assert len(list((target.data / "work").rglob("data.csv"))) == 1


def is_text(file: Path) -> None:
    file.write_text("not an archive")


def is_cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-200])


def is_another(file: Path) -> None:
    with tarfile.open(file, "w:gz") as tar:
        tar.addfile(tarfile.TarInfo("readme"), io.BytesIO())


def is_of_the_future(file: Path) -> None:
    about = json.dumps({
        "release": "9.1.0", "schema": "from_the_future", "made_at": 1.0, "tasks": 0, "files": 0, "format": 1,
    }).encode()  # fmt: skip
    folder, entry = tarfile.TarInfo("tables"), tarfile.TarInfo("backup.json")
    folder.type, folder.mode, entry.size = tarfile.DIRTYPE, 0o700, len(about)
    with tarfile.open(file, "w:gz") as tar:
        tar.addfile(folder)
        tar.addfile(entry, io.BytesIO(about))


def is_missing(file: Path) -> None:
    file.unlink()


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (is_text, "is not a backup of Handoff, or it is damaged"),
        (is_cut, "is not a backup of Handoff, or it is damaged"),
        (is_another, "it is not a backup of Handoff"),
        (is_of_the_future, "was made by a later release, 9.1.0. Restore it with that release."),
        (is_missing, "there is no such file"),
    ],
)
async def test_an_archive_that_cannot_be_used_is_refused_and_changes_nothing(
    place: Places, tmp_path: Path, spoil: Callable[[Path], None], why: str
) -> None:
    here, file = place("sqlite"), tmp_path / "saved.tar.gz"
    async with opened(here.url) as database:
        kept = await done(database, message(1))
    work_of(here.data / "work", message(1))
    await here.save(file)
    spoil(file)
    with pytest.raises(BotError) as refused:
        await here.restore(file, overwrite=True)
    assert why in str(refused.value)
    assert len(str(refused.value).splitlines()) == 1
    async with opened(here.url) as database:
        assert [task.id for task in await TaskStore(database).recent()] == [kept]
    assert len(list((here.data / "work").rglob("data.csv"))) == 1
    assert not list(here.data.glob(".handoff-*"))


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
async def test_a_backup_of_an_earlier_schema_is_brought_up_to_date(
    place: Places, tmp_path: Path, kind: str
) -> None:
    before, after, file = place(kind), place(kind), tmp_path / "saved.tar.gz"
    before.data.mkdir(parents=True)
    old = Database(before.url)
    await upgrade(old, "0001")
    async with old.write() as connection:
        for statement in foundation("answered"):
            await connection.exec_driver_sql(statement)
    await backup.save(old, before.data / "work", file, release="0.0.1")
    await old.close()
    await after.restore(file)
    async with opened(after.url) as database:
        (task,) = await TaskStore(database).recent()
        assert (task.id, task.request, task.state) == ("told", "an old request", State.ANSWERED)
        assert [row["body"] for row in await TaskStore(database).events("told")] == [{"turns": []}]


async def test_a_backup_replaces_no_file_and_needs_something_to_save(
    place: Places, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    here, file = place("sqlite"), tmp_path / "saved.tar.gz"
    assert (
        await here.refused(file, capsys) == "handoff: There is nothing to back up: no task was given yet.\n"
    )
    async with opened(here.url) as database:
        await done(database, message(1))
    file.write_text("mine")
    error_text = await here.refused(file, capsys)
    assert error_text == f"handoff: {file} exists already. Name another file, or remove it.\n"
    assert file.read_text() == "mine"
    error_text = await here.refused(Path("/nowhere/saved.tar.gz"), capsys)
    assert error_text == "handoff: /nowhere/saved.tar.gz can't be written: No such file or directory.\n"
