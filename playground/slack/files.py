"""Uploaded files: metadata and bytes."""

from __future__ import annotations

import mimetypes
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from playground.slack.world import Json

_PRETTY = {"csv": "CSV", "png": "PNG", "jpg": "JPEG", "md": "Markdown", "py": "Python", "txt": "Plain Text"}


@dataclass(frozen=True, slots=True)
class File:
    """A file of the team. `created` is in whole seconds; `uploaded` is false until its bytes have arrived."""

    id: str
    name: str
    title: str
    user: str
    mimetype: str
    created: int
    data: bytes = field(default=b"", repr=False)
    uploaded: bool = True
    alt: str = ""

    @property
    def size(self) -> int:
        return len(self.data)

    @property
    def filetype(self) -> str:
        return PurePosixPath(self.name).suffix.lstrip(".").lower() or "binary"


def guess_mimetype(name: str) -> str:
    return mimetypes.guess_type(name)[0] or "application/octet-stream"


def file_json(file: File, team_id: str, base_url: str) -> Json:
    """The file object of the Web API and of events. Its private URLs need a bearer token."""
    address = f"{base_url}/files-pri/{team_id}-{file.id}"
    return {
        "id": file.id,
        "created": file.created,
        "timestamp": file.created,
        "name": file.name,
        "title": file.title,
        "mimetype": file.mimetype,
        "filetype": file.filetype,
        "pretty_type": _PRETTY.get(file.filetype, file.filetype.upper()),
        "user": file.user,
        "user_team": team_id,
        "editable": False,
        "size": file.size,
        "mode": "hosted",
        "is_external": False,
        "external_type": "",
        "is_public": True,
        "public_url_shared": False,
        "display_as_bot": False,
        "username": "",
        "url_private": f"{address}/{file.name}",
        "url_private_download": f"{address}/download/{file.name}",
        "permalink": f"{base_url}/files/{file.user}/{file.id}/{file.name}",
        "file_access": "visible",
        "has_rich_preview": False,
    } | ({"alt_txt": file.alt} if file.alt else {})
