"""Checks before a template is deployed."""

from __future__ import annotations

from pathlib import Path

import boto3
import pytest

from stepline.core.errors import UsageError
from stepline.deployment.stack import deploy


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("Parameters: {Stage: {Type: String}}\nResources: {}\n", "has no parameter Stagge: it has Stage"),
        ("Resources: {}\n", "has no parameter Stagge: it has none"),
    ],
)
def test_unknown_parameter_is_rejected(tmp_path: Path, template: str, message: str) -> None:
    file = tmp_path / "template.yaml"
    file.write_text(template)
    unused = "http://127.0.0.1:9"
    with pytest.raises(UsageError, match=message):
        deploy(
            file,
            stack_name="s",
            session=boto3.Session(region_name="us-east-1"),
            endpoint_url=unused,
            parameters={"Stagge": "dev"},
            report=lambda _line: None,
        )
