"""Several bots on one database must share the folder of the threads' files. Needs PostgreSQL."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest

from tasks.errors import FolderNotShared
from tasks.files.shared_mark import NAME, check_shared_folder
from tests.support.databases import opened


async def test_bots_on_one_folder_start_and_one_with_another_folder_does_not(
    postgres_url: str, tmp_path: Path
) -> None:
    shared, other = tmp_path / "shared", tmp_path / "other"
    shared.mkdir()
    other.mkdir()
    async with opened(postgres_url) as first, opened(postgres_url) as second:
        await asyncio.gather(check_shared_folder(first, shared), check_shared_folder(second, shared))
        with pytest.raises(FolderNotShared, match=re.escape(str(other))) as refused:
            await check_shared_folder(second, other)
        # The sentence has the command for a folder that was moved.
        mark = str(refused.value).rpartition("echo ")[2].partition(" ")[0]
        (other / NAME).write_text(f"{mark}\n")
        await check_shared_folder(second, other)
    assert sorted(path.name for path in shared.iterdir()) == [NAME]


async def test_two_first_starts_on_different_folders_do_not_both_go_on(
    postgres_url: str, tmp_path: Path
) -> None:
    folders = [tmp_path / "one", tmp_path / "two"]
    for folder in folders:
        folder.mkdir()
    async with opened(postgres_url) as first, opened(postgres_url) as second:
        ended = await asyncio.gather(
            check_shared_folder(first, folders[0]),
            check_shared_folder(second, folders[1]),
            return_exceptions=True,
        )
    assert sorted(type(end).__name__ for end in ended) == ["FolderNotShared", "NoneType"]
