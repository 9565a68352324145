"""The scripts of others that the console serves are those of npm's lock file."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
STATIC = PROJECT / "stepline/console/static"
VENDOR = STATIC / "vendor"
LOCK = json.loads((PROJECT / "requirements/web/package-lock.json").read_text())["packages"]
ROWS = re.findall(
    r"^\| `(.+)` \| (.+) \| (.+) \| (.+) \| `(.+)` \|$", (VENDOR / "README.md").read_text(), re.MULTILINE
)


def test_every_file_has_a_row() -> None:
    assert {row[0] for row in ROWS} == {each.name for each in VENDOR.iterdir()} - {"README.md"}


@pytest.mark.parametrize("row", ROWS, ids=[row[0] for row in ROWS])
def test_file_is_that_of_the_locked_package(row: tuple[str, ...]) -> None:
    name, package, version, licence, digest = row
    locked = LOCK[f"node_modules/{package}"]
    assert (locked["version"], locked["license"]) == (version, licence)
    assert hashlib.sha256((VENDOR / name).read_bytes()).hexdigest() == digest


def test_every_locked_package_ships_its_licence() -> None:
    packages = {name.removeprefix("node_modules/") for name in LOCK if name}
    assert {row[1] for row in ROWS if "LICENSE" in row[0]} == packages


def test_assets_load_nothing_from_elsewhere() -> None:
    own = [
        each for each in STATIC.rglob("*") if each.suffix in {".js", ".css"} and VENDOR not in each.parents
    ]
    assert own
    for each in own:
        assert not re.search(
            r"""(?:@import|url\(|fetch\(|importScripts\()\s*["']?https?:""", each.read_text()
        ), each
