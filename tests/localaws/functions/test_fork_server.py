"""Functions start as copies of a process that has imported the AWS SDK, where this makes no difference."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Mapping
from typing import Any

import pytest

from stepline.localaws.functions import FunctionRunner
from tests.localaws.functions.conftest import archive, version

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="functions are not forked")

DESCRIBES_ITSELF = """
import os, signal, sys, time

def handler(event, context):
    return {
        "arguments": sys.argv,
        "descriptors": len(os.listdir("/proc/self/fd")),
        "encoding": [sys.stdout.encoding, sys.getfilesystemencoding()],
        "flags": list(sys.flags),
        "folder": os.getcwd(),
        "group": os.getpgid(0) == os.getpid(),
        "path": sys.path,
        "session": os.getsid(0) == os.getpid(),
        "signals": [str(signal.getsignal(number)) for number in sorted(signal.valid_signals())],
        "time": time.tzname,
        "variables": sorted(os.environ),
    }
"""
PARENT = "import os\ndef handler(event, context): return os.getppid()\n"
NEEDS_OWN = {"PYTHONUNBUFFERED": ""}
"""A variable that Python reads when it starts; this value has no effect."""


def run(runner: FunctionRunner, variables: Mapping[str, str] | None = None, /, **sources: str) -> Any:
    """Run `app.handler` of these modules."""
    function = version("app.handler", code_sha256=str(sorted(sources.items())), environment=variables or {})
    result = runner.invoke(function, lambda: archive(**sources), b"{}", request_id="r")
    assert result.function_error is None, result
    return json.loads(result.payload)


def test_functions_are_copies_of_one_process(runner: FunctionRunner) -> None:
    parents = {run(runner, app=PARENT + text) for text in ("", "# another function")}
    assert len(parents) == 1
    assert os.getpid() not in parents


def test_copy_is_like_an_interpreter_of_its_own(runner: FunctionRunner) -> None:
    forked = run(runner, app=DESCRIBES_ITSELF)
    spawned = run(runner, NEEDS_OWN, app=DESCRIBES_ITSELF)
    spawned["variables"].remove(*NEEDS_OWN)
    assert forked == spawned
    assert os.getpid() == run(runner, NEEDS_OWN, app=PARENT)


@pytest.mark.parametrize("variables", [{"PYTHONOPTIMIZE": "1"}, {"LC_ALL": "C"}, {"LD_LIBRARY_PATH": "/x"}])
def test_function_with_variables_of_the_interpreter_has_its_own(
    runner: FunctionRunner, variables: dict[str, str]
) -> None:
    assert run(runner, variables, app=PARENT) == os.getpid()


@pytest.mark.parametrize("name", ["boto3", "jmespath", "sitecustomize"])
def test_function_uses_the_modules_of_its_package(runner: FunctionRunner, name: str) -> None:
    handler = f"import {name}\ndef handler(event, context): return {name}.MINE\n"
    assert run(runner, **{"app": handler, name: "MINE = True\n"})


def test_functions_start_after_the_end_of_the_process_with_the_sdk(runner: FunctionRunner) -> None:
    parent = run(runner, app=PARENT)
    assert parent != os.getpid()
    os.kill(parent, signal.SIGKILL)
    assert run(runner, app=PARENT + "# another function") == os.getpid()
