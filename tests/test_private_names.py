"""No module imports a private name of another one: ruff finds `module._name`, but not this."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

PROJECT = Path(__file__).parents[1]
PACKAGES = ("pipeline", "statemachines", "stepline", "benchmarks")


def _private_imports(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_bytes())):
        if isinstance(node, ast.ImportFrom) and str(node.module).partition(".")[0] in PACKAGES:
            for name in node.names:
                if name.name.startswith("_") and not name.name.endswith("__"):
                    yield f"{file.relative_to(PROJECT)}:{node.lineno}: {node.module}.{name.name}"


def test_no_private_name_is_imported() -> None:
    files = [file for package in PACKAGES for file in (PROJECT / package).rglob("*.py")]
    assert files
    assert [found for file in files for found in _private_imports(file)] == []
