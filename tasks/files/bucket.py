"""A bucket of an S3-compatible object store. Objects are read and written in pieces."""

from __future__ import annotations

import asyncio
import io
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import BinaryIO
from uuid import uuid4

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError, NotFoundError
from obstore.store import S3Store

from sandbox.errors import FileRefused
from sandbox.files import SandboxFile, Spool
from tasks.errors import FilesUnavailable
from tasks.timing import STANDARD, TaskTiming

#: Bytes of one part of an upload, and how many are sent at once: what one file takes in memory.
_PART, _AT_ONCE = 8 << 20, 2
#: Files that a process sends or fetches at the same time; with the parts of each, 64 MiB of memory.
TRANSFERS = 4
_PIECE = 1 << 20
_CODE, _STATUS = re.compile(r"<Code>(\w+)</Code>"), re.compile(r"status code: (\d{3})")
#: Statuses of a request that succeeds later.
_LATER = {"408", "429"}
_FULL = "507"


@dataclass(frozen=True, slots=True, kw_only=True)
class BucketAddress:
    """Where a bucket is. Values that are empty come from the environment or the machine, as AWS has them."""

    url: str
    """`s3://bucket` or `s3://bucket/prefix`."""
    endpoint: str = ""
    region: str = ""
    access_key: str = ""
    secret_key: str = ""


@dataclass(frozen=True, slots=True)
class StoredObject:
    """An object of a listing. `modified` is in seconds since 1970."""

    key: str
    size: int
    modified: float


class Bucket:
    """Each method raises `FilesUnavailable` when the bucket does not answer, and `FileRefused` when it
    refuses, with the bucket's reason."""

    def __init__(self, address: BucketAddress, timing: TaskTiming = STANDARD) -> None:
        self.url = address.url.rstrip("/")
        given = {
            "endpoint": address.endpoint, "region": address.region,
            "access_key_id": address.access_key, "secret_access_key": address.secret_key,
        }  # fmt: skip
        self._store = S3Store.from_url(
            address.url,
            config={name: value for name, value in given.items() if value},  # type: ignore[arg-type]
            client_options={
                "allow_http": address.endpoint.startswith("http://"),
                "connect_timeout": timedelta(seconds=timing.connect),
                "read_timeout": timedelta(seconds=timing.bucket_silence),
                "timeout": timedelta(seconds=timing.bucket_request),
            },
            retry_config={"max_retries": 8, "retry_timeout": timedelta(seconds=timing.bucket_retry)},
        )
        self._transfers = asyncio.Semaphore(TRANSFERS)
        #: Why the last call failed, in a sentence for the operator; empty when it did not.
        self.problem = ""

    async def put(self, key: str, content: BinaryIO, *, new: bool = False) -> bool:
        """Store an object, and close `content`. With `new`, an object that is there stays: False."""
        with content, self._named_errors():
            try:
                async with self._transfers:
                    await obstore.put_async(
                        self._store, key, content, mode="create" if new else None,
                        use_multipart=False if new else None, chunk_size=_PART, max_concurrency=_AT_ONCE,
                    )  # fmt: skip
            except AlreadyExistsError:
                return False
        return True

    async def get(self, key: str, size: int) -> SandboxFile:
        """An object, fetched onto the disk. Raises `FileRefused` when it does not have `size` bytes."""
        spool, got = Spool(), 0
        with self._named_errors():
            async with self._transfers:
                found = await obstore.get_async(self._store, key)
                async for piece in found.stream(min_chunk_size=_PIECE):
                    spool.write(bytes(piece))
                    got += len(piece)
        if got != size:
            raise FileRefused(f"it has {got:,} bytes in the bucket, and {size:,} are recorded")
        return SandboxFile(size=size, open=spool.part(size))

    async def text(self, key: str) -> str:
        """The content of a small object; empty when there is none."""
        with self._named_errors():
            try:
                found = await obstore.get_async(self._store, key)
                return str(bytes(await found.bytes_async()), "utf-8")
            except FileNotFoundError as error:
                if _code(error) != "NoSuchKey":
                    raise
        return ""

    async def delete(self, keys: Sequence[str]) -> None:
        """Delete objects, as far as they are there."""
        if keys:
            with self._named_errors():
                await obstore.delete_async(self._store, list(keys))

    async def objects(self, prefix: str = "") -> list[StoredObject]:
        """All objects whose path begins with the parts of `prefix`."""
        found: list[StoredObject] = []
        with self._named_errors():
            async for batch in obstore.list(self._store, prefix or None):
                found += [StoredObject(o["path"], o["size"], o["last_modified"].timestamp()) for o in batch]
        return found

    async def check(self) -> None:
        """Write, read and delete an object."""
        key, said = f".handoff-check-{uuid4().hex}", uuid4().hex
        await self.put(key, io.BytesIO(said.encode()))
        found = await self.text(key)
        await self.delete([key])
        if found != said:
            raise FileRefused(f"{self.url} does not return what was just written there.")

    @contextmanager
    def _named_errors(self) -> Iterator[None]:
        """Turn the library's errors into this room's."""
        try:
            yield
        except (BaseError, NotFoundError, OSError) as error:
            if _code(error) == "NoSuchKey":
                self.problem = ""
                raise FileRefused("it is not in the bucket any more") from error
            statuses: list[str] = _STATUS.findall(str(error))
            status = statuses[-1] if statuses else ""
            if status == _FULL or _code(error) == "QuotaExceeded":
                self.problem = f"The bucket {self.url} is full. Make room in it, or raise its quota"
                raise FileRefused(f"{self.problem}.") from error
            if isinstance(error, FileNotFoundError) or (status.startswith("4") and status not in _LATER):
                self.problem = (
                    f"The bucket {self.url} refuses ({_code(error) or status}). Check HANDOFF_FILES_URL and "
                    "the rights of its key: it must read, write, list and delete"
                )
                raise FileRefused(f"{self.problem}.") from error
            why = f" with status {status}" if status else ""
            self.problem = f"the bucket {self.url} does not answer{why}"
            raise FilesUnavailable(self.problem) from error
        self.problem = ""


def _code(error: BaseException) -> str:
    """The object store's own word for what is wrong."""
    found: list[str] = _CODE.findall(str(error))
    return found[-1] if found else ""
