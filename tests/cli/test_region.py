"""Which region the local AWS is."""

from __future__ import annotations

import click
import pytest
from click.testing import CliRunner

from stepline.cli.options import local_region_option


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
def test_the_region_is_that_of_the_terminal_s_other_aws_clients(
    arguments: list[str], environment: dict[str, str], region: str
) -> None:
    cleared: dict[str, str | None] = {"AWS_REGION": None, "AWS_DEFAULT_REGION": None}
    assert CliRunner(env=cleared | environment).invoke(show, arguments).output == f"{region}\n"
