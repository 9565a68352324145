from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from stepline.aws.target import Target
from stepline.cli import options
from stepline.cli.command_group import cli

Stepline = Callable[..., Result]


@pytest.fixture(autouse=True)
def _known_surroundings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """No AWS settings of whoever runs the tests, UTC, and a folder of its own for state files."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "aws-config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "aws-credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    runtime = tmp_path / "runtime"
    runtime.mkdir()
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(runtime))
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.fixture
def stepline() -> Stepline:
    """Runs a command line as a user does; the result has `stdout`, `stderr` and `exit_code`."""

    def run(*words: str, stdin: str | bytes | None = None) -> Result:
        return CliRunner().invoke(cli, list(words), input=stdin)

    return run


@pytest.fixture
def use_target(monkeypatch: pytest.MonkeyPatch) -> Callable[[Target], None]:
    """Makes a target the one that commands talk to."""

    def use(target: Target) -> None:
        monkeypatch.setattr(options, "choose", lambda *_args: target)

    return use
