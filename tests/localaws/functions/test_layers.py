"""Layers of functions: the modules and programs that Lambda finds below /opt.

Source: Lambda guide, "Packaging your layer content", with the paths of each runtime.
"""

from __future__ import annotations

import io
import json
import shutil
import zipfile
from pathlib import Path

import pytest

from stepline.localaws.functions import FunctionRunner, InvocationResult, Layer
from tests.localaws.functions.conftest import version

ARN = "arn:aws:lambda:eu-central-1:000000000000:layer"
PYTHON = "import one\nfrom shared import NAME\ndef handler(event, context): return [one.VALUE, NAME]\n"
NODE = "exports.handler = async () => [require('one'), require('shared')]\n"
PROGRAM = (
    "import subprocess\ndef handler(event, context): return subprocess.check_output(['greet'], text=True)\n"
)


def package(files: dict[str, str]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as target:
        for name, text in files.items():
            entry = zipfile.ZipInfo(name)
            entry.external_attr = 0o755 << 16
            target.writestr(entry, text)
    return buffer.getvalue()


def layer(name: str, files: dict[str, str]) -> Layer:
    return Layer(f"{ARN}:{name}:1", lambda: package(files))


def run(runner: FunctionRunner, code: dict[str, str], *layers: Layer, runtime: str) -> InvocationResult:
    function = version("index.handler", runtime=runtime, layers=layers)
    return runner.invoke(function, lambda: package(code), b"{}", request_id="r")


@pytest.mark.parametrize("folder", ["python", "python/lib/python3.13/site-packages"])
def test_python_finds_modules_of_layers_and_prefers_the_later_one(
    runner: FunctionRunner, folder: str
) -> None:
    first = layer("first", {f"{folder}/one.py": "VALUE = 1", f"{folder}/shared.py": "NAME = 'first'"})
    second = layer("second", {f"{folder}/shared.py": "NAME = 'second'"})
    result = run(runner, {"index.py": PYTHON}, first, second, runtime="python3.13")
    assert json.loads(result.payload) == [1, "second"], result.log


def test_code_of_the_function_comes_before_its_layers(runner: FunctionRunner) -> None:
    only = layer("only", {"python/one.py": "VALUE = 1", "python/shared.py": "NAME = 'layer'"})
    code = {"index.py": PYTHON, "shared.py": "NAME = 'own'"}
    assert json.loads(run(runner, code, only, runtime="python3.13").payload) == [1, "own"]


@pytest.mark.skipif(shutil.which("node") is None, reason="Node.js is not installed")
@pytest.mark.parametrize("folder", ["nodejs/node_modules", "nodejs/node22/node_modules"])
def test_node_finds_modules_of_layers(runner: FunctionRunner, folder: str) -> None:
    files = {
        f"{folder}/one/index.js": "module.exports = 1",
        f"{folder}/shared.js": "module.exports = 'layer'",
    }
    result = run(runner, {"index.js": NODE}, layer("node", files), runtime="nodejs22.x")
    assert json.loads(result.payload) == [1, "layer"], result.log


def test_programs_of_layers_are_on_the_path(runner: FunctionRunner) -> None:
    program = layer("program", {"bin/greet": "#!/bin/sh\nprintf hello\n"})
    assert json.loads(run(runner, {"index.py": PROGRAM}, program, runtime="python3.13").payload) == "hello"


def test_function_with_other_layers_runs_in_another_environment(runner: FunctionRunner) -> None:
    names = []
    for name in ("a", "b"):
        files = {"python/one.py": "VALUE = 1", "python/shared.py": f"NAME = '{name}'"}
        result = run(runner, {"index.py": PYTHON}, layer(name, files), runtime="python3.13")
        names.append(json.loads(result.payload)[1])
    assert names == ["a", "b"]


def test_layer_that_is_not_here_is_left_out(runner: FunctionRunner, tmp_path: Path) -> None:
    """One of another account, such as those that AWS publishes: its content is not known."""
    code = {"index.py": "def handler(event, context): return 1\n"}
    missing = Layer(f"{ARN}:aws:1", lambda: None)
    assert run(runner, code, missing, runtime="python3.13").payload == b"1"
