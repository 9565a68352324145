"""The whole of it in a region that is not the default one, under another name."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.conftest import system_names
from tests.end_to_end.local_aws import stepline
from tests.ports import free_port

pytestmark = pytest.mark.xdist_group("other_region")

REGION = "eu-west-1"
NAME = "elsewhere"


@pytest.fixture
def port(environment: dict[str, str]) -> Iterator[str]:
    """Of a local AWS."""
    port = str(free_port())
    options = ["--region", REGION, "--stack-name", NAME, "--with", ",".join(system_names())]
    told = stepline(environment, "up", "--detach", "--port", port, *options).stdout
    try:
        assert f"Stack {NAME}-batch is deployed" in told
        assert "us-east-1" not in told
        yield port
    finally:
        stepline(environment, "down", "--port", port)


def test_a_run_in_another_region(environment: dict[str, str], port: str) -> None:
    run = stepline(environment, "run", "--port", port, "--region", REGION, "--stack-name", NAME)
    assert f"arn:aws:sqs:{REGION}:" in run.stdout, run.stdout
    assert "us-east-1" not in run.stdout
