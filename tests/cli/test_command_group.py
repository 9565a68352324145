"""Help, errors as one line and an exit code, and the version."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from botocore import exceptions as botocore_errors

from stepline.aws.error_messages import explain
from stepline.cli.command_group import cli
from stepline.core.errors import UsageError
from tests.cli.conftest import Stepline
from tests.localaws.codepipeline.fakes import client_error

PROJECT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (UsageError("do\nthis"), "do this"),
        (client_error("AccessDenied", "GetPipeline", "not\nyours"), "GetPipeline: AccessDenied: not yours"),
        (
            client_error("ExpiredToken", "GetPipeline"),
            "the AWS credentials have expired: sign in, or set AWS_PROFILE or --profile",
        ),
        (
            client_error("UnrecognizedClientException", "GetPipeline"),
            "AWS does not accept the credentials (UnrecognizedClientException): "
            "sign in, or set AWS_PROFILE or --profile",
        ),
        (
            botocore_errors.EndpointConnectionError(
                endpoint_url="https://codepipeline.mars-1.amazonaws.com/"
            ),
            "cannot connect to https://codepipeline.mars-1.amazonaws.com: "
            "check the network, --region and --endpoint-url",
        ),
        (FileNotFoundError(2, "No such file or directory", "a.json"), "a.json: No such file or directory"),
        (RuntimeError("oops"), "unexpected RuntimeError: oops (set STEPLINE_DEBUG=1 to see the traceback)"),
    ],
)
def test_error_is_one_line_that_says_what_to_do(error: Exception, line: str) -> None:
    assert explain(error) == line


def test_version_is_that_of_the_project(stepline: Stepline) -> None:
    version = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]["version"]
    result = stepline("--version")
    assert (result.exit_code, result.stdout) == (0, f"stepline {version}\n")


def test_every_command_has_help(stepline: Stepline) -> None:
    listed = stepline("--help").stdout
    for name in cli.list_commands(None):  # type: ignore[arg-type]
        assert name in listed
        result = stepline(name, "--help")
        assert result.exit_code == 0, result.output
        assert result.stdout.startswith(f"Usage: cli {name} ")


def test_exit_code_for_a_wrong_command_line(stepline: Stepline) -> None:
    assert stepline("fly").exit_code == 2
    assert stepline("up", "--port", "70000").exit_code == 2
    assert stepline("status", "--nothing").exit_code == 2


@pytest.mark.parametrize(("typed", "meant"), [("psuh", "push"), ("stats", "status"), ("inovke", "invoke")])
def test_mistyped_command_is_corrected(stepline: Stepline, typed: str, meant: str) -> None:
    result = stepline(typed)
    assert result.exit_code == 2
    assert f"No such command '{typed}'. Did you mean '{meant}'?" in result.stderr


def test_traceback_of_a_bug_is_shown_on_request(stepline: Stepline, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stepline.cli.commands.down.local_servers.load", lambda _port: 1 / 0)
    result = stepline("down")
    assert (result.exit_code, result.stderr) == (
        1,
        "stepline: unexpected ZeroDivisionError: division by zero "
        "(set STEPLINE_DEBUG=1 to see the traceback)\n",
    )
    monkeypatch.setenv("STEPLINE_DEBUG", "1")
    assert isinstance(stepline("down").exception, ZeroDivisionError)


def test_ctrl_c_during_loading_prints_nothing(tmp_path: Path) -> None:
    (tmp_path / "click.py").write_text("import os, signal\nos.kill(os.getpid(), signal.SIGINT)\n")
    environment = os.environ | {"PYTHONPATH": f"{tmp_path}:{PROJECT}"}
    command = [sys.executable, "-m", "stepline", "status"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (-signal.SIGINT, "", "")
