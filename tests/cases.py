"""Test cases that are written as JSON, so that a person adds one without knowing the harness."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest


def read_case(file: Path) -> Any:
    """Return the document of a file. Raises ValueError for a name that an object has twice."""
    return json.loads(file.read_text(), object_pairs_hook=_object)


def read_cases(file: Path) -> dict[str, Any]:
    """Return the cases of a file: an object with one member for each case."""
    cases: dict[str, Any] = read_case(file)
    return cases


def parameters(cases: dict[str, Any]) -> list[Any]:
    """Return the cases for `pytest.mark.parametrize`; their names are the ids."""
    return [pytest.param(case, id=name) for name, case in cases.items()]


def merged(base: Any, patch: Any) -> Any:
    """Return `base` with the members of `patch`, objects member by member; null removes a member."""
    if not isinstance(base, dict) or not isinstance(patch, dict):
        return patch
    keys = [*base, *(key for key in patch if key not in base)]
    return {
        key: merged(base.get(key), patch[key]) if key in patch else base[key]
        for key in keys
        if not (key in patch and patch[key] is None)
    }


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"twice: {sorted({name for name in names if names.count(name) > 1})}")
    return found
