"""How ministack behaves without the patches, and with some."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

PROJECT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def facts(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The facts that `x_facts.py` returns, for the tests of `test_ministack_x.py`."""
    module = Path(request.path).stem.removeprefix("test_ministack_") + "_facts"
    program = "tests.localaws.emulators.print_facts"
    command = [sys.executable, "-m", program, module, str(tmp_path_factory.mktemp("ministack"))]
    result = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True)
    found: dict[str, Any] = json.loads(result.stdout.splitlines()[-1])
    return found


@pytest.fixture(scope="session")
def ministack_source() -> Callable[[str], str]:
    """Read a module of ministack's services, such as `ecr.py`, without importing it."""
    spec = find_spec("ministack")
    assert spec is not None
    assert spec.origin is not None
    services = Path(spec.origin).with_name("services")
    return lambda name: services.joinpath(name).read_text()


def functions_of(source: str) -> dict[str, str]:
    """Return the source of each function of a module by its name."""
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    functions = (node for node in ast.parse(source).body if isinstance(node, kinds))
    # ast.get_source_segment would split the whole source for each function.
    lines = source.split("\n")
    return {node.name: "\n".join(lines[node.lineno - 1 : node.end_lineno]) for node in functions}
