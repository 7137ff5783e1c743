"""What a web server says about a file, and what the received file contains."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_CHUNK = 1 << 16  # bytes
_PAGE_TYPES = ("text/html", "application/xhtml+xml", "text/xml", "application/xml")
_PAGE_STARTS = (b"<!doctype", b"<html", b"<?xml")


@dataclass(frozen=True)
class RemoteFile:
    """What a server says about a file.

    Attributes:
        name: The file's name.
        length: Its size in bytes.
        validator: Identifies this version of the file: a strong ETag, or else the time of the last
            change; None if the server sends neither.
        md5: The MD5 in hexadecimal; None if the server does not send it.
    """

    name: str
    length: int
    validator: str | None
    md5: str | None


def sent_validator(headers: Mapping[str, str]) -> str | None:
    """The validator in a server's answer, see `RemoteFile`."""
    etag = headers.get("ETag", "W/")
    return headers.get("Last-Modified") if etag.startswith("W/") else etag


def sent_md5(headers: Mapping[str, str]) -> str | None:
    """The MD5 in a server's answer, in hexadecimal; None if there is none."""
    try:
        return base64.b64decode(headers["Content-MD5"], validate=True).hex()
    except (KeyError, ValueError):
        return None


def announces_page(headers: Mapping[str, str]) -> bool:
    """Whether a server's answer says that it contains a web page."""
    kind = headers.get("Content-Type", "").partition(";")[0].strip().lower()
    return kind in _PAGE_TYPES


def is_page(path: Path) -> bool:
    """Whether a file starts like a web page."""
    with path.open("rb") as file:
        return file.read(100).lstrip().lower().startswith(_PAGE_STARTS)


def size_of(path: Path) -> int:
    """The size of a file in bytes; 0 if it does not exist."""
    return path.stat().st_size if path.is_file() else 0


def md5_of(path: Path) -> str:
    """The MD5 of a file, in hexadecimal."""
    digest = hashlib.md5(usedforsecurity=False)
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()
