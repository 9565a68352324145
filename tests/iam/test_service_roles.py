"""How services of the local AWS sign requests: as a role session, or as themselves."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.credentials import ReadOnlyCredentials
from botocore.exceptions import ClientError

from stepline.localaws.iam import Actor, Caller, Role, acting_as
from stepline.localaws.service_roles import ActingCredentials, ArtifactS3Client, ServiceRoles
from tests.iam.test_enforcement import ACCOUNT, OTHER, ROLE, allow, enforcement

LAMBDA = Actor("lambda.amazonaws.com", ROLE, "function")


def roles(*statements: dict[str, Any]) -> ServiceRoles:
    """Return roles whose sessions have the access key `<role>/<session name>`."""

    def caller_of(key: str) -> Caller:
        name = key.partition("/")[0]
        arn = f"arn:aws:sts::{ACCOUNT}:assumed-role/{key}"
        return Caller(arn=arn, account_id=ACCOUNT, role_name=name, role_arn=ROLE if name == "r" else "")

    def session_keys(role: Role, name: str) -> ReadOnlyCredentials:
        return ReadOnlyCredentials(f"{role.name}/{name}", "secret", "token")

    return ServiceRoles(enforcement(*statements), session_keys, caller_of)


def test_client_signs_as_the_current_actor() -> None:
    credentials = ActingCredentials(roles(), ACCOUNT)
    assert credentials.get_frozen_credentials().access_key == ACCOUNT
    with acting_as(LAMBDA):
        assert credentials.get_frozen_credentials().access_key == "r/function"
    assert credentials.get_frozen_credentials().access_key == ACCOUNT


def test_role_that_does_not_trust_the_service_is_not_assumed() -> None:
    with (
        acting_as(Actor("states.amazonaws.com", ROLE, "machine")),
        pytest.raises(ClientError, match="sts:AssumeRole"),
    ):
        ActingCredentials(roles(), ACCOUNT).get_frozen_credentials()


def test_role_of_an_action_is_assumed_by_the_role_of_the_pipeline() -> None:
    actor = Actor("lambda.amazonaws.com", OTHER, "pipeline", via=ROLE)
    assert roles().keys(actor).access_key == "other/pipeline"
    with pytest.raises(ClientError, match="sts:AssumeRole"):
        roles().keys(Actor("lambda.amazonaws.com", OTHER, "pipeline"))


class FakeS3:
    def __init__(self) -> None:
        self.keys: list[str] = []

    def put_object(self, **parameters: Any) -> None:
        self.keys.append(parameters["Key"])

    def head_object(self, **_parameters: Any) -> str:
        return "head"


def test_settings_of_the_bucket_are_read_before_an_artifact_is_written(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Without the permission the artifact is written all the same, as for pipelines of AWS's samples."""
    s3 = FakeS3()
    target = {"Bucket": "bucket", "Key": "a"}
    with acting_as(LAMBDA):
        store = ArtifactS3Client(s3, roles(allow("s3:GetBucket*")))
        store.put_object(**target)
    assert (s3.keys, caplog.messages) == (["a"], [])
    with acting_as(LAMBDA):
        ArtifactS3Client(s3, roles(allow("s3:PutObject"))).put_object(**target)
    assert s3.keys == ["a", "a"]
    denied = [message.partition("perform: ")[2].partition(" ")[0] for message in caplog.messages]
    assert denied == ["s3:GetBucketVersioning", "s3:GetBucketLocation", "s3:GetBucketAcl"]
    assert store.head_object(**target) == "head"
