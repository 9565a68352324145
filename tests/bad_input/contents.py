"""Bytes and archives as a case describes them; `corpus/README.md` explains the notation.

"text"                                       UTF-8
{"text": …, "encoding": "utf-16"}            another encoding
{"json": …}                                  written as JSON
{"hex": "efbb bf"}, {"file": "name.zip"}     bytes; a file in corpus/files
{"repeat": …, "times": 1000}, {"join": […]}  made of others
{"zip": {…}}                                 `zip_model.Archive`
{…, "cut": -10, "patch": {"8": "0100"}}      then truncated, and bytes replaced
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.bad_input.zip_model import Archive, Member
from tests.fakes.sparse_file import Content
from tests.fakes.sparse_file import bytes_of as all_bytes

CORPUS = Path(__file__).parent / "corpus"
FILES = CORPUS / "files"

_TEMPLATE = Member(b"app/template.yaml", b"x" * 500)
_INPUT = {"name": "state_machine_input.json", "content": {"json": {"environmentName": "test"}}}

Spec = Mapping[str, Any]


def content_of(spec: Any) -> Content:
    """Return the bytes, or the sparse file, that `spec` describes."""
    if isinstance(spec, str):
        return spec.encode()
    content = _content(spec)
    if "cut" in spec or "patch" in spec:
        return _damaged(all_bytes(content), spec)
    return content


def bytes_of(spec: Any) -> bytes:
    content = content_of(spec)
    assert isinstance(content, bytes), "a sparse file cannot be part of another content"
    return content


def _content(spec: Spec) -> Content:
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
    raise AssertionError(f"unknown content: {json.dumps(spec)[:100]}")


def _damaged(data: bytes, spec: Spec) -> bytes:
    changed = bytearray(data)
    for position, digits in spec.get("patch", {}).items():
        patch, start = bytes.fromhex(digits), int(position)
        assert -len(changed) <= start < len(changed)
        start %= len(changed)
        changed[start : start + len(patch)] = patch
    return bytes(changed[: spec.get("cut")])


def archive_of(spec: Spec) -> Archive:
    """Return the archive with the members of `zip_model.Archive` that `spec` has.

    Without `members` it has a template and the default input file; a member without a name is the input file.
    """
    members = tuple(_member(member) for member in spec.get("members", ["template", {}]))
    return Archive(**{**_fields(spec, {"comment", "prefix", "suffix"}), "members": members})


def _member(spec: Any) -> Member:
    if spec == "template":
        return _TEMPLATE
    named = spec if "name" in spec else _INPUT | spec
    values = _fields(named, {"name", "content", "extra", "local_name", "local_extra"})
    if "wide" in values:
        values["wide"] = tuple(values["wide"])
    return Member(**values)


def _fields(spec: Spec, contents: set[str]) -> dict[str, Any]:
    return {name: bytes_of(value) if name in contents else value for name, value in spec.items()}
