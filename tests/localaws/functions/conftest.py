"""A function runner, and a deployment package with the functions under test."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from stepline.localaws.functions import FunctionRunner, FunctionVersion, InvocationResult

Invoke = Callable[..., InvocationResult]


def archive(**sources: str) -> bytes:
    """Return a deployment package: module name -> source."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as target:
        for name, source in sources.items():
            target.writestr(f"{name}.py", source)
    return buffer.getvalue()


def version(handler: str = "app.echo", **settings: object) -> FunctionVersion:
    values: dict[str, object] = {
        "name": "function",
        "arn": "arn:aws:lambda:eu-central-1:000000000000:function:function",
        "handler": handler,
        "code_sha256": "a/b+c=",
        "timeout_seconds": 10.0,
        "memory_mb": 256,
        "environment": {"SETTING": "value"},
    }
    return FunctionVersion(**(values | settings))  # type: ignore[arg-type]


@pytest.fixture(scope="session")
def code() -> bytes:
    return archive(app=(Path(__file__).parent / "functions_under_test.py").read_text())


@pytest.fixture
def runner(tmp_path: Path) -> Iterator[FunctionRunner]:
    runner = FunctionRunner(tmp_path / "functions")
    yield runner
    runner.close()


@pytest.fixture
def invoke(runner: FunctionRunner, code: bytes) -> Invoke:
    """Return a function that invokes a handler of the functions under test."""

    def run(handler: str, payload: bytes = b"{}", **settings: object) -> InvocationResult:
        return runner.invoke(version(handler, **settings), lambda: code, payload, request_id="request-1")

    return run
