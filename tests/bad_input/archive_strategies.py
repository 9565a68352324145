"""Zip archives that are valid except for a few fields, records, names or bytes."""

from __future__ import annotations

import json
import struct
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from tests.bad_input import zip_model
from tests.bad_input.strategies import mutated_bytes
from tests.bad_input.trigger_runner import INPUT_FILE
from tests.bad_input.zip_model import Archive, Layout, Member

_SPELLINGS = [
    f"./{INPUT_FILE}",
    f".\\{INPUT_FILE}",
    f"/{INPUT_FILE}",
    f"app/{INPUT_FILE}",
    f"{INPUT_FILE}/",
    INPUT_FILE.upper(),
]
_OTHER_NAMES = [f"{INPUT_FILE}\0x", "", "../x", "a" * 300, "PK\x05\x06"]
_names = st.one_of(st.sampled_from([*_SPELLINGS, *_OTHER_NAMES]).map(str.encode), st.binary(max_size=8))
_LIMITS = [0xFFFE, 0xFFFF, 0xFFFFFFFE, 0xFFFFFFFF, 2**32, 2**63, 2**64 - 1]
_numbers = st.one_of(st.integers(0, 200), st.sampled_from(_LIMITS))
_extras = st.one_of(
    st.builds(
        lambda key, data: struct.pack("<2H", key, len(data)) + data, st.integers(0, 2), st.binary(max_size=30)
    ),
    st.binary(max_size=12),
)


def _wrong_fields(layout: Layout) -> SearchStrategy[dict[str, int]]:
    return st.dictionaries(st.sampled_from([*layout.fields]), _numbers, min_size=1, max_size=2)


def _up_to_two(members: dict[str, SearchStrategy[Any]]) -> SearchStrategy[dict[str, Any]]:
    """Return values for up to two of the members."""
    one = st.one_of([st.tuples(st.just(name), values) for name, values in members.items()])
    return st.lists(one, max_size=2).map(dict)


def _member(number: int, changes: dict[str, Any]) -> Member:
    content = json.dumps({"m": number, "pad": "x" * (5000 if number == 7 else 5)}).encode()
    wide = {"zip64": True} if "wide" in changes else {}
    return Member(**{"name": INPUT_FILE.encode(), "content": content, **wide, **changes})


_members = st.builds(
    _member,
    st.integers(0, 9),
    _up_to_two(
        {
            "name": _names,
            "method": st.sampled_from([0, 9, 12, 14]),
            "flags": st.sampled_from([8, 0x800, 0x808, 1, 0x2000]),
            "mode": st.sampled_from([0, 0o120777, 0o040755, 0o100600]),
            "zip64": st.just(value=True),
            "extra": _extras,
            "local_extra": _extras,
            "local_name": _names,
            "local": _wrong_fields(zip_model.LOCAL),
            "central": _wrong_fields(zip_model.CENTRAL),
            "wide": st.lists(_numbers, max_size=4).map(tuple),
            "in_directory": st.just(value=False),
            "written": st.just(value=False),
        }
    ),
)


def _archive(members: list[Member], changes: dict[str, Any]) -> bytes:
    content = Archive(members=tuple(members), **changes).build()
    return content[0 : len(content)]


_built = st.builds(
    _archive,
    st.lists(_members, min_size=1, max_size=4),
    _up_to_two(
        {
            "comment": st.sampled_from([b"c", b"PK\x05\x06", b"x" * 200]),
            "zip64": st.just(value=True),
            "prefix": st.sampled_from([b"#!/bin/sh\n", b"PK\x03\x04"]),
            "suffix": st.sampled_from([b"\n", bytes(30), b"PK\x05\x06"]),
            "end": _wrong_fields(zip_model.END),
            "end64": _wrong_fields(zip_model.END64),
            "locator": _wrong_fields(zip_model.LOCATOR),
        }
    ),
)
archives: SearchStrategy[bytes] = st.one_of(
    _built, _built, _built.flatmap(mutated_bytes), st.builds(bytes.__add__, _built, _built)
)
