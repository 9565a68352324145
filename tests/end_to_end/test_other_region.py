"""The whole of it in a region that is not the default one."""

from __future__ import annotations

import pytest

from tests.end_to_end.local_aws import stepline
from tests.ports import free_port

pytestmark = pytest.mark.xdist_group("other_region")


def test_a_run_in_another_region(environment: dict[str, str]) -> None:
    run = stepline(environment, "run", "--port", str(free_port()), "--region", "eu-west-1")
    assert "arn:aws:sqs:eu-west-1:" in run.stdout, run.stdout
    assert "us-east-1" not in run.stdout
