"""Field types for settings. Their errors complete the sentence "VARIABLE …".

They check syntax only, not whether a file or host exists.
"""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path
from typing import Annotated
from urllib.parse import parse_qs, urlsplit

from pydantic import AfterValidator, BeforeValidator, SecretStr

from sandbox.egress.allow_list import AllowList


def _url(*schemes: str, example: str) -> AfterValidator:
    """A URL with one of these schemes."""

    def check(value: str) -> str:
        try:
            parts = urlsplit(value)
            named = "://" in value and (parts.netloc or parts.path.strip("/"))
            whole = parts.scheme in schemes and named and parts.port != 0
        except ValueError:  # an invalid port, an unclosed bracket
            whole = False
        if not whole or (schemes == HTTP and not parts.hostname):
            raise ValueError(f"must be a URL like {example}")
        return value

    return AfterValidator(check)


HTTP = ("http", "https")
_DATABASES = ("sqlite", "postgresql", "postgresql+asyncpg")
_DATABASE_EXAMPLE = "sqlite:////var/lib/handoff/handoff.db or postgresql://user:password@host/handoff"
_ENGINES = ("unix", "tcp", "ssh", "http", "https", "npipe")


#: Of libpq's (postgresql.org/docs/current/libpq-connect.html), and SQLAlchemy's `ssl`.
_DATABASE_PARAMETERS = {
    "sslmode", "sslrootcert", "sslcert", "sslkey", "sslcrl", "application_name", "connect_timeout",
    "target_session_attrs", "ssl",
}  # fmt: skip


def _database_parameters(url: str) -> str:
    unknown = sorted(set(parse_qs(urlsplit(url).query, keep_blank_values=True)) - _DATABASE_PARAMETERS)
    if unknown and not url.startswith("sqlite"):
        known = ", ".join(sorted(_DATABASE_PARAMETERS))
        raise ValueError(f"must have no parameter {unknown[0]}; it may have {known}")
    return url


def _with_slash(url: str) -> str:
    return url if url.endswith("/") else url + "/"


def _lower(value: object) -> object:
    return value.lower() if isinstance(value, str) else value


def _absolute(path: Path) -> Path:
    try:
        return path.expanduser().absolute()
    except RuntimeError as error:
        raise ValueError("must name a folder of a person that exists") from error


def _ids(first: str, *, example: str, word: str = "") -> AfterValidator:
    """Ids that begin with one of these letters, separated by spaces or commas; or `word` alone."""

    def check(value: str) -> str:
        found = value.replace(",", " ").split()
        if word and found == [word]:
            return word
        if not all(re.fullmatch(f"[{first}][A-Z0-9]{{2,}}", id_) for id_ in found):
            other = f", or {word}" if word else ""
            raise ValueError(f"must be ids like {example}, with spaces between{other}")
        return " ".join(found)

    return AfterValidator(check)


def _hosts(value: str) -> str:
    try:
        return str(AllowList.parse(value))
    except ValueError as error:
        raise ValueError(f"must be hosts like api.example.com or *.example.com:8443; {error}") from None


def _models(value: str) -> str:
    if not all(name.strip() for name in value.split(",")):
        raise ValueError("must name a model, or several with commas between")
    return value


SlackUrl = Annotated[str, _url(*HTTP, example="https://slack.com/api/"), AfterValidator(_with_slash)]
ModelUrl = Annotated[str, _url(*HTTP, example="https://api.openai.com/v1")]
BucketUrl = Annotated[str, _url("s3", example="s3://bucket/prefix")]
TraceUrl = Annotated[str, _url(*HTTP, example="http://localhost:4318")]
DatabaseUrl = Annotated[
    str, _url(*_DATABASES, example=_DATABASE_EXAMPLE), AfterValidator(_database_parameters)
]
EngineUrl = Annotated[str, _url(*_ENGINES, example="unix:///var/run/docker.sock")]
LocalPath = Annotated[Path, AfterValidator(_absolute)]
AnyCase = BeforeValidator(_lower)
UserIds = Annotated[str, _ids("UW", example="U0ADA")]
ChannelIds = Annotated[str, _ids("CDG", example="C0SALES")]
WorkspaceIds = Annotated[str, _ids("T", example="T0ACME")]
AppIds = Annotated[str, _ids("B", example="B0ALERTS", word="all")]
Models = Annotated[str, AfterValidator(_models)]
Hosts = Annotated[str, AfterValidator(_hosts)]


def _fernet_keys(value: SecretStr) -> SecretStr:
    for key in value.get_secret_value().split():
        try:
            whole = len(base64.urlsafe_b64decode(key)) == 32
        except ValueError:
            whole = False
        if not whole:
            raise ValueError("must hold keys of 32 bytes in URL-safe base64, with spaces between")
    return value


FernetKeys = Annotated[SecretStr, AfterValidator(_fernet_keys)]
"""Fernet keys: github.com/fernet/spec."""


def _json_object(value: object) -> object:
    try:
        found = json.loads(value) if isinstance(value, str) else value
    except ValueError as error:
        raise ValueError(f"must be a JSON object ({error})") from None
    if not isinstance(found, dict):
        raise ValueError("must be a JSON object, {…}")  # noqa: TRY004 (pydantic takes no other)
    return found


JSON_OBJECT = BeforeValidator(_json_object)
"""For use with `NoDecode`: pydantic-settings' own JSON decoding raises no validation error."""
