"""Bytes and archives as a case file describes them; `corpus/README.md` is the description.

"text"                                       UTF-8
{"text": …, "encoding": "utf-16"}            another encoding
{"json": …}                                  written as JSON
{"hex": "efbb bf"}, {"file": "name.zip"}     as it is; a file lies in corpus/files
{"repeat": …, "times": 1000}, {"join": […]}  made of others
{"zip": {…}}                                 `zip_model.Archive`
{…, "cut": -10, "patch": {"8": "0100"}}      then shortened, and bytes replaced
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.bad_input.zip_model import Archive, Member
from tests.pipeline.fake_s3 import Content

CORPUS = Path(__file__).parent / "corpus"
FILES = CORPUS / "files"

Spec = Mapping[str, Any]


def content_of(spec: Any) -> Content:
    """The bytes, or a sparse file, that `spec` describes."""
    if isinstance(spec, str):
        return spec.encode()
    content = _made(spec)
    if "cut" in spec or "patch" in spec:
        return _damaged(bytes(content[0 : len(content)]), spec)
    return content


def bytes_of(spec: Any) -> bytes:
    content = content_of(spec)
    assert isinstance(content, bytes), "a sparse file cannot be a part of something"
    return content


def _made(spec: Spec) -> Content:
    match spec:
        case {"text": text}:
            return str(text).encode(spec.get("encoding", "utf-8"))
        case {"json": value}:
            return json.dumps(value, separators=(",", ":")).encode()
        case {"hex": digits}:
            return bytes.fromhex(str(digits))
        case {"file": name}:
            return (FILES / str(name)).read_bytes()
        case {"repeat": part, "times": times}:
            return bytes_of(part) * int(times)
        case {"join": parts}:
            return b"".join(bytes_of(part) for part in parts)
        case {"zip": members}:
            return archive_of(members).build()
    raise AssertionError(f"no such content: {json.dumps(spec)[:100]}")


def _damaged(data: bytes, spec: Spec) -> bytes:
    changed = bytearray(data)
    for position, digits in spec.get("patch", {}).items():
        patch, start = bytes.fromhex(digits), int(position)
        assert -len(changed) <= start < len(changed)
        start %= len(changed)
        changed[start : start + len(patch)] = patch
    return bytes(changed[: spec.get("cut")])


def archive_of(spec: Spec) -> Archive:
    """`zip_model.Archive` with the members of its name; what is bytes there is a content here."""
    members = tuple(_member(member) for member in spec["members"])
    return Archive(**{**_fields(spec, {"comment", "prefix", "suffix"}), "members": members})


def _member(spec: Spec) -> Member:
    values = _fields(spec, {"name", "content", "extra", "local_name", "local_extra"})
    if "wide" in values:
        values["wide"] = tuple(values["wide"])
    return Member(**values)


def _fields(spec: Spec, contents: set[str]) -> dict[str, Any]:
    return {name: bytes_of(value) if name in contents else value for name, value in spec.items()}
