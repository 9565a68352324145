"""Zip bombs, archives of gigabytes, deep and large JSON: the trigger needs limited memory and time for each.

The function has 256 MB (template.yaml), of which it needs some 62 MB before it reads anything.
"""

from __future__ import annotations

import fnmatch
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from stepline.core.limits import MAX_ZIP_DIRECTORY_BYTES, MIB
from tests.bad_input.contents import CORPUS
from tests.cases import read_cases

PROJECT = Path(__file__).parents[2]
PATTERNS = {
    "archives": ("bomb*", "large_*", "nested*", "members_*", "gzip_large"),
    "inputs": ("deep_*", "large*", "many_*", "object_too_large", "repeated_key_at_*"),
}
CASES = sorted(
    f"{group}/{name}"
    for group, patterns in PATTERNS.items()
    for name in read_cases(CORPUS / f"{group}.json")
    if any(fnmatch.fnmatch(name, pattern) for pattern in patterns)
)
LARGEST_DIRECTORY = "archives/directory_largest"
MAX_PEAK_BYTES = 48 * MIB
MAX_SECONDS = 5
"""Processor time on a busy machine, with every allocation traced; most cases take 0.1 s."""


@pytest.fixture(scope="module")
def measured() -> dict[str, Any]:
    """The measurements of all cases, in one process, which takes half a second to start."""
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
def test_memory_and_time_are_limited(measured: dict[str, Any]) -> None:
    assert len(CASES) >= 18
    for name in CASES:
        assert measured[name]["peak_bytes"] <= MAX_PEAK_BYTES, name
        assert measured[name]["seconds"] <= MAX_SECONDS, name


@pytest.mark.xdist_group("bounds")
def test_largest_directory_is_held_at_most_twice(measured: dict[str, Any]) -> None:
    found = measured[LARGEST_DIRECTORY]
    assert MAX_ZIP_DIRECTORY_BYTES * 0.9 < found["read_bytes"] < MAX_ZIP_DIRECTORY_BYTES * 1.1
    assert found["peak_bytes"] <= 2 * MAX_ZIP_DIRECTORY_BYTES + 4 * MIB
    assert found["seconds"] <= MAX_SECONDS
