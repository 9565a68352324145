"""How services of the local AWS sign: as a session of the role that they act under, or as themselves."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.credentials import ReadOnlyCredentials
from botocore.exceptions import ClientError

from stepline.localaws.iam import Actor, Caller, Role, acting_as
from stepline.localaws.service_roles import ActingCredentials, ArtifactStore, ServiceRoles
from tests.iam.test_enforcement import ACCOUNT, OTHER, ROLE, allow, enforcement

LAMBDA = Actor("lambda.amazonaws.com", ROLE, "function")


def roles(*statements: dict[str, Any]) -> ServiceRoles:
    """Access keys are `<role>/<session name>`."""

    def caller_of(key: str) -> Caller:
        name = key.partition("/")[0]
        arn = f"arn:aws:sts::{ACCOUNT}:assumed-role/{key}"
        return Caller(arn=arn, account_id=ACCOUNT, role_name=name, role_arn=ROLE if name == "r" else "")

    def session_keys(role: Role, name: str) -> ReadOnlyCredentials:
        return ReadOnlyCredentials(f"{role.name}/{name}", "secret", "token")

    return ServiceRoles(enforcement(*statements), session_keys, caller_of)


def test_a_client_signs_as_whoever_acts() -> None:
    credentials = ActingCredentials(roles(), ACCOUNT)
    assert credentials.get_frozen_credentials().access_key == ACCOUNT
    with acting_as(LAMBDA):
        assert credentials.get_frozen_credentials().access_key == "r/function"
    assert credentials.get_frozen_credentials().access_key == ACCOUNT


def test_a_role_that_does_not_trust_the_service_signs_nothing() -> None:
    with (
        acting_as(Actor("states.amazonaws.com", ROLE, "machine")),
        pytest.raises(ClientError, match="sts:AssumeRole"),
    ):
        ActingCredentials(roles(), ACCOUNT).get_frozen_credentials()


def test_an_action_s_own_role_is_assumed_by_the_pipeline_s() -> None:
    own = Actor("lambda.amazonaws.com", OTHER, "pipeline", via=ROLE)
    assert roles().keys(own).access_key == "other/pipeline"
    with pytest.raises(ClientError, match="sts:AssumeRole"):
        roles().keys(Actor("lambda.amazonaws.com", OTHER, "pipeline"))


class S3:
    def __init__(self) -> None:
        self.put: list[str] = []

    def put_object(self, **parameters: Any) -> None:
        self.put.append(parameters["Key"])

    def head_object(self, **_parameters: Any) -> str:
        return "head"


def test_codepipeline_looks_at_its_bucket_before_it_writes() -> None:
    s3 = S3()
    place = {"Bucket": "bucket", "Key": "a"}
    with acting_as(LAMBDA), pytest.raises(ClientError, match="s3:GetBucketVersioning"):
        ArtifactStore(s3, roles(allow("s3:PutObject"))).put_object(**place)
    assert s3.put == []
    with acting_as(LAMBDA):
        store = ArtifactStore(s3, roles(allow("s3:GetBucket*")))
        store.put_object(**place)
    assert s3.put == ["a"]
    assert store.head_object(**place) == "head"
