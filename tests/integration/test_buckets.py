"""The files of threads in a bucket, read and written by two bots with folders of their own.

Needs PostgreSQL. The bucket is a real S3 server behind a proxy that fails on demand.
"""

from __future__ import annotations

import asyncio
import io
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import pytest

from bot.errors import CheckFailed
from bot.factories.files import check_bucket, files_problems
from bot.settings import Settings
from sandbox.errors import FileRefused
from sandbox.files import SandboxFile
from sandbox.job import Run, Status
from sandbox.workspace import Workspace
from tasks.errors import FilesUnavailable, FolderNotShared, StaleRunner
from tasks.files.bucket import TRANSFERS
from tasks.files.cache import FileCache
from tasks.files.removal import Removal
from tasks.files.shared_mark import check_shared_bucket, check_shared_folder
from tasks.files.thread_buckets import ThreadBuckets
from tasks.files.thread_files import ThreadFolders, path_of
from tasks.policy import TaskPolicy
from tasks.store.database import Database
from tasks.store.tasks import TaskStore
from tasks.task import Outcome, State, Task, Ticket
from tests.support.buckets import S3
from tests.support.databases import opened
from tests.support.scripted_model import Say, ScriptedModel
from tests.support.task_harness import InMemoryThreads, message, task_harness
from tests.support.timing import TASK_TIMING

_MIB = 1 << 20
#: A bucket that fails is given up at once.
_SOON = replace(TASK_TIMING, bucket_retry=0.2, bucket_silence=2.0)


@pytest.fixture
async def on_postgres(postgres_url: str) -> AsyncIterator[Database]:
    async with opened(postgres_url) as database:
        yield database


@asynccontextmanager
async def bot(
    database: Database, s3: S3, folder: Path, *, cache: int = 100 * _MIB
) -> AsyncIterator[ThreadBuckets]:
    """A bot's view of the bucket, with its own data folder."""
    made = ThreadBuckets(
        database, s3.bucket(_SOON), FileCache(folder / "cache", cache), ThreadFolders(folder / "work")
    )
    async with made:
        yield made


async def begun(database: Database, ts: str = "1.000100", *, attempt: int = 1, runner: str = "run") -> Task:
    store = TaskStore(database)
    if await store.task(message(ts).task_id) is None:
        await store.accept(message(ts))
    task = await store.begin(Ticket(message(ts).task_id, attempt), runner)
    assert task is not None
    return task


def run_with(files: Mapping[str, bytes], *, removed: tuple[str, ...] = ()) -> Run:
    made = {name: SandboxFile.of(content) for name, content in files.items()}
    return Run(
        status=Status.OK, exit_code=0, stdout="", stderr="", seconds=0, files=made, removed=removed,
        folders=(),
    )  # fmt: skip


async def contents(workspace: Workspace) -> dict[str, bytes]:
    return {name: await workspace.read(name) for name in await workspace.names()}


async def test_what_one_bot_makes_another_one_reads_changes_and_removes(
    on_postgres: Database, s3: S3, tmp_path: Path
) -> None:
    task = await begun(on_postgres)
    async with bot(on_postgres, s3, tmp_path / "a") as a, bot(on_postgres, s3, tmp_path / "b") as b:
        async with a.open(task) as workspace:
            assert await workspace.add("data ü.csv", b"1,2\n") == "data ü.csv"
            before = await workspace.snapshot()
            program = replace(SandboxFile.of(b"#!"), executable=True, modified=1_700_000_000_123_456_789)
            made = run_with({"out/table.csv": b"3\n", "old.txt": b"x"})
            kept = await workspace.keep(
                replace(made, files={**made.files, "go": program}, folders=("empty",)), before, "w1"
            )
            assert kept.notes == ()
            assert await workspace.keep_variables("w1", b"pickled") == ()
            picture = await workspace.keep_picture(b"a picture")
        async with b.open(task) as workspace:
            assert workspace.problems == ()
            assert await contents(workspace) == {
                "data ü.csv": b"1,2\n", "out/table.csv": b"3\n", "old.txt": b"x", "go": b"#!",
            }  # fmt: skip
            found = await workspace.snapshot()
            assert (found.files["go"].executable, found.files["go"].modified) == (True, program.modified)
            assert found.folders == ("empty",)
            assert await workspace.attached() == {"data ü.csv"}
            assert await workspace.variables("w1") == b"pickled"
            assert await workspace.picture(picture) == b"a picture"
            await workspace.keep(run_with({"out/table.csv": b"4\n"}, removed=("old.txt",)), found, "w1")
        async with a.open(task) as workspace:
            assert await contents(workspace) == {
                "data ü.csv": b"1,2\n", "out/table.csv": b"4\n", "go": b"#!",
            }  # fmt: skip
        s3.requests.clear()
        async with a.open(task), b.open(task):
            assert "GET" not in s3.requests  # the copies are used again
        recorded = {found.key for found in await a.bucket.objects(path_of(task.thread))}
        # csv, table, program, owners, variables, picture; old versions are gone
        assert len(recorded) == 6


async def test_a_large_file_passes_in_pieces_and_through_a_bounded_cache(
    on_postgres: Database, s3: S3, tmp_path: Path
) -> None:
    first, second = await begun(on_postgres), await begun(on_postgres, "2.000100")
    large = tmp_path / "large"
    with large.open("wb") as file:
        for number in range(20):
            file.write(bytes([number]) * _MIB)
    given = SandboxFile(size=20 * _MIB, open=lambda: large.open("rb"))
    async with bot(on_postgres, s3, tmp_path / "a", cache=30 * _MIB) as a:
        for task in (first, second):
            async with a.open(task) as workspace:
                await workspace.add("large", given)
        assert s3.requests.count("PUT") > 6  # three parts each, and the owners
        assert [folder.name for folder in (tmp_path / "a/cache/0").glob("*/*/*")] == ["2.000100"]
        async with a.open(first) as workspace:
            assert await workspace.read("large", 19 * _MIB) == bytes([19]) * _MIB
            opened_file = (await workspace.snapshot()).files["large"].open()
            assert os.fstat(opened_file.fileno()).st_size == 20 * _MIB  # a container gets a descriptor
            opened_file.close()


class _Watched(io.BytesIO):
    """Counts those that were begun and are not closed."""

    under_way: ClassVar[set[int]] = set()
    most: ClassVar[int] = 0

    def read(self, size: int | None = -1, /) -> bytes:
        self.under_way.add(id(self))
        _Watched.most = max(self.most, len(self.under_way))
        return super().read(size)

    def close(self) -> None:
        self.under_way.discard(id(self))
        super().close()


async def test_a_process_moves_a_few_files_at_a_time(s3: S3) -> None:
    """Each takes memory for its parts, however many tasks run."""
    bucket = s3.bucket()
    async with asyncio.TaskGroup() as group:
        for number in range(5 * TRANSFERS):
            group.create_task(bucket.put(f"{number}", _Watched(b"x" * _MIB)))
    assert 1 < _Watched.most <= TRANSFERS
    assert len(await bucket.objects()) == 5 * TRANSFERS


async def test_a_replaced_run_changes_nothing(on_postgres: Database, s3: S3, tmp_path: Path) -> None:
    old = await begun(on_postgres)
    async with bot(on_postgres, s3, tmp_path / "a") as a, bot(on_postgres, s3, tmp_path / "b") as b:
        async with a.open(old) as frozen:
            await frozen.add("a.txt", b"1")
            new = await begun(on_postgres, runner="another")
            async with b.open(new) as workspace:
                await workspace.add("b.txt", b"2")
            with pytest.raises(StaleRunner):
                await frozen.add("late.txt", b"3")
        async with b.open(new) as workspace:
            assert await contents(workspace) == {"a.txt": b"1", "b.txt": b"2"}


@pytest.mark.parametrize(
    ("status", "code", "words"),
    [(403, "AccessDenied", "refuses (AccessDenied)"), (507, "XMinioStorageFull", "is full")],
)
async def test_a_bucket_that_takes_nothing_is_named_and_what_was_made_stays(
    on_postgres: Database, s3: S3, tmp_path: Path, status: int, code: str, words: str
) -> None:
    task = await begun(on_postgres)
    async with bot(on_postgres, s3, tmp_path / "a") as a:
        async with a.open(task) as workspace:
            await workspace.add("data.csv", b"1")
            s3.refusal, s3.refused_methods = (status, code), ("PUT", "POST")
            with pytest.raises(FileRefused) as refused:
                await workspace.add("more.csv", b"2")
            assert words in str(refused.value)
            kept = await workspace.keep(run_with({"out.txt": b"3"}), await workspace.snapshot(), "w1")
            assert words in kept.notes[0]
            assert words in (await a.problems())[0]
            assert await contents(workspace) == {"data.csv": b"1", "out.txt": b"3"}
        async with a.open(task) as workspace:  # as after a restart
            assert await contents(workspace) == {"data.csv": b"1", "out.txt": b"3"}
            s3.refusal = None
            await workspace.add("more.csv", b"2")
            assert await a.problems() == []
        async with bot(on_postgres, s3, tmp_path / "b") as b, b.open(task) as workspace:
            assert await contents(workspace) == {"data.csv": b"1", "out.txt": b"3", "more.csv": b"2"}


async def test_a_file_that_differs_from_its_record_is_left_out_with_a_sentence(
    on_postgres: Database, s3: S3, tmp_path: Path
) -> None:
    task = await begun(on_postgres)
    async with bot(on_postgres, s3, tmp_path / "a") as a, bot(on_postgres, s3, tmp_path / "b") as b:
        async with a.open(task) as workspace:
            for name in ("short.csv", "gone.csv", "whole.csv"):
                await workspace.add(name, name.encode())
        objects = {}
        for found in await a.bucket.objects(path_of(task.thread)):
            objects[await a.bucket.text(found.key)] = found.key
        await a.bucket.put(objects["short.csv"], io.BytesIO(b"sho"))
        await a.bucket.delete([objects["gone.csv"]])
        async with b.open(task) as workspace:
            assert await workspace.names() == ["whole.csv"]
            assert sorted(workspace.problems) == [
                "The file gone.csv of this thread could not be fetched: it is not in the bucket any more.",
                "The file short.csv of this thread could not be fetched: it has 3 bytes in the bucket, and 9 "
                "are recorded.",
            ]


async def test_a_fetch_that_breaks_in_the_middle_goes_on(
    on_postgres: Database, s3: S3, tmp_path: Path
) -> None:
    task = await begun(on_postgres)
    content = os.urandom(3 * _MIB)
    async with bot(on_postgres, s3, tmp_path / "a") as a, a.open(task) as workspace:
        await workspace.add("data.bin", content)
    s3.cut_after = _MIB
    async with bot(on_postgres, s3, tmp_path / "b") as b, b.open(task) as workspace:
        assert await workspace.read("data.bin") == content
    assert s3.cut_after is None


@pytest.mark.parametrize("is_slow", [False, True], ids=["closes", "never answers"])
async def test_a_task_waits_for_a_bucket_that_is_away_and_loses_nothing(
    on_postgres: Database, s3: S3, tmp_path: Path, postgres_url: str, is_slow: bool
) -> None:
    """Its answer comes with the file that the bucket could not take at first."""
    timing = replace(_SOON, first_retry=0.1, maintenance=0.1)
    threads = InMemoryThreads(files={"data.csv": b"1,2\n"})
    async with (
        bot(on_postgres, s3, tmp_path / "a") as files,
        ScriptedModel([Say("It has one row.")]) as model,
    ):
        s3.is_away = not is_slow
        if is_slow:
            s3.answers.clear()
        policy = TaskPolicy(timing=timing)
        async with task_harness(
            postgres_url, model, tmp_path, threads=threads, files=files, policy=policy
        ) as tasks:
            accepted = await tasks.engine.accept(message("1.000100", files=["data.csv"]))
            await tasks.until(accepted.task, State.DELIVERING)
            assert "does not answer" in (await files.problems())[0]
            s3.is_away = False
            s3.answers.set()
            ended = await tasks.until(accepted.task)
            assert (ended.state, ended.answer) == (State.ANSWERED, "It has one row.")
        async with bot(on_postgres, s3, tmp_path / "b") as b, b.open(ended) as workspace:
            assert await contents(workspace) == {"data.csv": b"1,2\n"}


async def test_a_task_ends_with_a_sentence_when_the_bucket_stays_away(
    on_postgres: Database, s3: S3, tmp_path: Path, postgres_url: str
) -> None:
    timing = replace(_SOON, first_retry=0.1, maintenance=0.1, bucket_gone=0.1)
    threads = InMemoryThreads(files={"data.csv": b"1,2\n"})
    async with bot(on_postgres, s3, tmp_path / "a") as files, ScriptedModel([]) as model:
        s3.is_away = True
        policy = TaskPolicy(timing=timing)
        async with task_harness(
            postgres_url, model, tmp_path, threads=threads, files=files, policy=policy
        ) as tasks:
            accepted = await tasks.engine.accept(message("1.000100", files=["data.csv"]))
            ended = await tasks.until(accepted.task)
            assert ended.state is State.FAILED
            assert "files of this thread can't be reached" in ended.reason


async def test_retention_and_purge_reach_the_bucket_and_the_copies(
    on_postgres: Database, s3: S3, tmp_path: Path
) -> None:
    kept_task, task = await begun(on_postgres, "2.000100"), await begun(on_postgres)
    async with bot(on_postgres, s3, tmp_path / "a") as a, bot(on_postgres, s3, tmp_path / "b") as b:
        for one in (task, kept_task):
            for files in (a, b):
                async with files.open(one) as workspace:
                    await workspace.add("data.csv", b"1")
        await TaskStore(on_postgres).end(task, Outcome(state=State.ANSWERED, text="42"))
        removal = Removal(on_postgres, a)
        await removal.tasks([task.id])
        assert await removal.files_of([task.thread, kept_task.thread]) == 1
        assert await a.bucket.objects(path_of(task.thread)) == []
        assert len(await a.bucket.objects(path_of(kept_task.thread))) == 3
        copies = [tmp_path / name / "cache/0" / path_of(task.thread) for name in ("a", "b")]
        assert [copy.exists() for copy in copies] == [False, True]
        assert await Removal(on_postgres, b).delete_unused_files() == 1
        assert [copy.exists() for copy in copies] == [False, False]
        async with b.open(kept_task) as workspace:
            assert await workspace.names() == ["data-2.csv", "data.csv"]


async def test_a_folder_of_before_moves_into_the_bucket(
    on_postgres: Database, s3: S3, tmp_path: Path
) -> None:
    task = await begun(on_postgres)
    folders = ThreadFolders(tmp_path / "a/work")
    async with folders.open(task) as workspace:
        await workspace.add("old.csv", b"1")
    async with bot(on_postgres, s3, tmp_path / "a") as a, a.open(task) as workspace:
        assert await workspace.names() == ["old.csv"]
        await workspace.add("new.csv", b"2")
    assert not folders.folder(task.thread).exists()
    async with bot(on_postgres, s3, tmp_path / "b") as b, b.open(task) as workspace:
        assert await contents(workspace) == {"old.csv": b"1", "new.csv": b"2"}


async def test_bots_with_different_buckets_or_without_one_do_not_start(
    on_postgres: Database, s3: S3, tmp_path: Path
) -> None:
    await asyncio.gather(*(check_shared_bucket(on_postgres, s3.bucket()) for _ in range(2)))
    other = s3.bucket(prefix="other")
    with pytest.raises(FolderNotShared, match="is not the bucket"):
        await check_shared_bucket(on_postgres, other)
    with pytest.raises(FolderNotShared, match="HANDOFF_FILES_URL"):
        await check_shared_folder(on_postgres, tmp_path)
    s3.is_away = True
    with pytest.raises(FilesUnavailable):
        await check_shared_bucket(on_postgres, s3.bucket(_SOON))


async def test_the_doctor_tries_the_bucket(s3: S3, tmp_path: Path) -> None:
    settings = Settings.load({**s3.settings(), "HANDOFF_DATA_DIR": str(tmp_path)}, tmp_path / "none")
    assert files_problems(settings) == ()
    assert settings.files_url is not None
    assert "can be written, read and deleted" in await check_bucket(settings, settings.files_url)
    assert {"PUT", "GET", "POST"} <= set(s3.requests)  # POST deletes
    assert await s3.bucket().objects() == []
    s3.refusal, s3.refused_methods = (403, "AccessDenied"), ("POST",)
    with pytest.raises(CheckFailed, match=r"refuses \(AccessDenied\)"):
        await check_bucket(settings, settings.files_url)
    half = {name: value for name, value in s3.settings().items() if name != "AWS_SECRET_ACCESS_KEY"}
    incomplete = Settings.load({**half, "HANDOFF_DATA_DIR": str(tmp_path)}, tmp_path / "none")
    assert "AWS_SECRET_ACCESS_KEY" in files_problems(incomplete)[0]
