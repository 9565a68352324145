"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from stepline.aws import local_servers
from stepline.cli.options import local_region_option
from tests.aws.health_server import health_server
from tests.cli.conftest import Stepline


@click.command
@local_region_option
def show(region: str) -> None:
    click.echo(region)


@pytest.mark.parametrize(
    ("arguments", "environment", "region"),
    [
        ([], {}, "us-east-1"),
        ([], {"AWS_DEFAULT_REGION": "eu-west-1"}, "eu-west-1"),
        ([], {"AWS_REGION": "eu-north-1", "AWS_DEFAULT_REGION": "eu-west-1"}, "eu-north-1"),
        ([], {"AWS_REGION": "", "AWS_DEFAULT_REGION": "eu-west-1"}, "eu-west-1"),
        (["--region", "us-west-2"], {"AWS_REGION": "eu-north-1"}, "us-west-2"),
    ],
)
def test_region_of_the_local_aws_is_that_of_other_aws_clients(
    arguments: list[str], environment: dict[str, str], region: str
) -> None:
    cleared: dict[str, str | None] = {"AWS_REGION": None, "AWS_DEFAULT_REGION": None}
    assert CliRunner(env=cleared | environment).invoke(show, arguments).output == f"{region}\n"


def test_down_does_not_stop_a_local_aws_that_stepline_did_not_start(
    stepline: Stepline, tmp_path: Path
) -> None:
    with health_server(tmp_path) as local_aws:
        local_servers.delete_state_file(local_aws.port)
        result = stepline("down", "--port", str(local_aws.port))
        assert result.exit_code == 1
        assert "was not started by stepline: stop it where it was started" in result.stderr
        assert local_servers.read_health(local_aws.port)["status"] == "ready"


def test_target_options_are_accepted_before_and_after_the_command(stepline: Stepline) -> None:
    url = "http://127.0.0.1:9"
    assert stepline("--endpoint-url", url, "status").stderr.startswith(f"stepline: local AWS at {url}\n")
    assert stepline("status", "--endpoint-url", url).stderr.startswith(f"stepline: local AWS at {url}\n")


def test_unreachable_endpoint_is_one_line(stepline: Stepline) -> None:
    result = stepline("status", "--endpoint-url", "http://127.0.0.1:9")
    assert result.exit_code == 1
    assert result.stderr.splitlines()[1:] == [
        "stepline: cannot connect to http://127.0.0.1:9: "
        "start the local AWS with `stepline up`, or unset AWS_ENDPOINT_URL"
    ]


def test_missing_region_and_local_aws_is_one_line(stepline: Stepline) -> None:
    result = stepline("status")
    assert result.exit_code == 1
    assert (
        "no local AWS is running and no region is set: start a local AWS with `stepline up`" in result.stderr
    )


def test_missing_credentials_are_one_line(stepline: Stepline) -> None:
    result = stepline("status", "--region", "us-east-1")
    assert result.exit_code == 1
    assert "no AWS credentials were found, and no local AWS is running" in result.stderr


def test_unknown_profile_is_one_line(stepline: Stepline) -> None:
    result = stepline("status", "--profile", "gone")
    assert (result.exit_code, result.stderr) == (
        1,
        "stepline: The config profile (gone) could not be found: see `aws configure list-profiles`\n",
    )
