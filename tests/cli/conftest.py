from __future__ import annotations

from collections.abc import Callable

import pytest
from click.testing import CliRunner, Result

from stepline.aws.target import Target
from stepline.cli import options
from stepline.cli.command_group import cli

Stepline = Callable[..., Result]


@pytest.fixture(autouse=True)
def _isolated(isolated_environment: None) -> None:
    """Isolate all tests of the command line from the user's settings."""


@pytest.fixture
def stepline() -> Stepline:
    """Runs a command line as a user does; the result has `stdout`, `stderr` and `exit_code`."""

    def run(*arguments: str, stdin: str | bytes | None = None) -> Result:
        return CliRunner().invoke(cli, list(arguments), input=stdin)

    return run


@pytest.fixture
def use_target(monkeypatch: pytest.MonkeyPatch) -> Callable[[Target], None]:
    """Makes commands use a target."""

    def use(target: Target) -> None:
        monkeypatch.setattr(options, "choose_target", lambda *_args: target)

    return use
