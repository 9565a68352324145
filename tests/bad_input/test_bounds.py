"""Bombs, archives of gigabytes, deep and large JSON: answered in bounded memory and time.

The function has 256 MB (template.yaml), of which it needs some 62 MB before it reads anything.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from stepline.core.limits import MAX_ZIP_DIRECTORY_BYTES, MIB
from tests.bad_input.contents import CORPUS

PROJECT = Path(__file__).parents[2]
PATTERNS = (
    "archives/bomb*",
    "archives/large_*",
    "archives/nested*",
    "archives/members_*",
    "archives/gzip_large",
)
MORE = (
    "inputs/deep_*",
    "inputs/large*",
    "inputs/many_*",
    "inputs/object_too_large",
    "inputs/repeated_key_at_*",
)
CASES = sorted(
    f"{path.parent.name}/{path.stem}"
    for pattern in (*PATTERNS, *MORE)
    for path in CORPUS.glob(f"{pattern}.json")
)
LARGEST_DIRECTORY = "archives/directory_largest"
MAX_PEAK_BYTES = 48 * MIB
MAX_SECONDS = 5
"""Of a processor that others use, too, and with every allocation traced; most cases take 0.1 s."""


@pytest.fixture(scope="module")
def measured() -> dict[str, Any]:
    """All in one process, which takes half a second to start."""
    result = subprocess.run(
        [sys.executable, "-m", "tests.bad_input.measure", *CASES, LARGEST_DIRECTORY],
        cwd=PROJECT,
        env={**os.environ, "AWS_DEFAULT_REGION": "eu-west-1"},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    cases: dict[str, Any] = json.loads(result.stdout)["cases"]
    return cases


@pytest.mark.xdist_group("bounds")
def test_nothing_takes_more_memory_or_time_than_it_may(measured: dict[str, Any]) -> None:
    assert len(CASES) >= 18
    for name in CASES:
        assert measured[name]["peak_bytes"] <= MAX_PEAK_BYTES, name
        assert measured[name]["seconds"] <= MAX_SECONDS, name


@pytest.mark.xdist_group("bounds")
def test_the_largest_directory_is_held_twice_at_most(measured: dict[str, Any]) -> None:
    found = measured[LARGEST_DIRECTORY]
    assert MAX_ZIP_DIRECTORY_BYTES * 0.9 < found["read_bytes"] < MAX_ZIP_DIRECTORY_BYTES * 1.1
    assert found["peak_bytes"] <= 2 * MAX_ZIP_DIRECTORY_BYTES + 4 * MIB
    assert found["seconds"] <= MAX_SECONDS
