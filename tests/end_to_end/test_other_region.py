"""The application and all systems in another region and with another stack name."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.conftest import system_names
from tests.end_to_end.local_aws import stepline
from tests.ports import free_port

pytestmark = pytest.mark.xdist_group("other_region")

REGION = "eu-west-1"
NAME = "another"


@pytest.fixture
def port(environment: dict[str, str]) -> Iterator[str]:
    """The port of a local AWS."""
    port = str(free_port())
    options = ["--region", REGION, "--stack-name", NAME, "--with", ",".join(system_names())]
    output = stepline(environment, "up", "--detach", "--port", port, *options).stdout
    try:
        assert f"Stack {NAME}-batch is created" in output
        assert "us-east-1" not in output
        yield port
    finally:
        stepline(environment, "down", "--port", port)


def test_run_uses_only_its_region(environment: dict[str, str], port: str) -> None:
    result = stepline(environment, "run", "--port", port, "--region", REGION, "--stack-name", NAME)
    assert f"arn:aws:sqs:{REGION}:" in result.stdout, result.stdout
    assert "us-east-1" not in result.stdout
