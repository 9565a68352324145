"""What is told before anything reaches CloudFormation."""

from __future__ import annotations

from pathlib import Path

import boto3
import pytest

from stepline.core.errors import UsageError
from stepline.deployment.stack import deploy


@pytest.mark.parametrize(
    ("template", "told"),
    [
        ("Parameters: {Stage: {Type: String}}\nResources: {}\n", "has no parameter Stagge: it has Stage"),
        ("Resources: {}\n", "has no parameter Stagge: it has none"),
    ],
)
def test_a_parameter_that_the_template_lacks(tmp_path: Path, template: str, told: str) -> None:
    file = tmp_path / "template.yaml"
    file.write_text(template)
    nowhere = "http://127.0.0.1:9"
    with pytest.raises(UsageError, match=told):
        deploy(
            file,
            stack_name="s",
            session=boto3.Session(region_name="us-east-1"),
            endpoint_url=nowhere,
            parameters={"Stagge": "dev"},
            report=lambda _line: None,
        )
