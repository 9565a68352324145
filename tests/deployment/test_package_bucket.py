"""The addresses from which CloudFormation reads what was uploaded."""

from __future__ import annotations

import boto3
import pytest

from stepline.deployment.package_bucket import PackageBucket


@pytest.mark.parametrize(
    ("region", "url"),
    [
        ("us-east-1", "https://s3.amazonaws.com/packages/a%20b.json"),
        ("eu-south-1", "https://s3.eu-south-1.amazonaws.com/packages/a%20b.json"),  # must be enabled first
        ("cn-north-1", "https://s3.cn-north-1.amazonaws.com.cn/packages/a%20b.json"),
    ],
)
def test_address_is_at_the_endpoint_of_the_region(region: str, url: str) -> None:
    assert PackageBucket(boto3.client("s3", region_name=region), "packages").url("a b.json") == url
