"""Keys of KMS are found by each of their identifiers, for the permissions that they require."""

from __future__ import annotations

import json

import pytest
from ministack.services import kms

from stepline.localaws.emulators.ministack.iam import MinistackObjects

PREFIX = "arn:aws:kms:us-east-1:000000000000"


@pytest.fixture(scope="module")
def key_arn() -> str:
    metadata = json.loads(kms._create_key({})[2])["KeyMetadata"]
    kms._create_alias({"AliasName": "alias/store", "TargetKeyId": metadata["KeyId"]})
    return str(metadata["Arn"])


def test_key_is_found_by_id_arn_and_alias(key_arn: str) -> None:
    identifiers = (key_arn, key_arn.rpartition("/")[2], "alias/store", f"{PREFIX}:alias/store")
    assert {MinistackObjects().key_arn(identifier) for identifier in identifiers} == {key_arn}


@pytest.mark.parametrize("identifier", ["alias/aws/sns", f"{PREFIX}:alias/aws/s3"])
def test_key_that_aws_manages_requires_no_permission(identifier: str) -> None:
    assert MinistackObjects().key_arn(identifier) is None


def test_key_that_does_not_exist_keeps_its_identifier() -> None:
    """So that a request that uses it is denied."""
    assert MinistackObjects().key_arn(f"{PREFIX}:key/missing") == f"{PREFIX}:key/missing"
