"""How the local AWS's own services call each other: as the role that a customer gave them, if any."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import boto3
import botocore.session
from botocore.config import Config
from botocore.credentials import CredentialProvider, Credentials, ReadOnlyCredentials
from botocore.exceptions import ClientError

from stepline.localaws.iam import (
    AccessDeniedError,
    Actor,
    Caller,
    Enforcement,
    Permission,
    Role,
    current_actor,
)

SessionKeys = Callable[[Role, str], ReadOnlyCredentials]
"""Returns the keys of a session of the role, with that session name."""


class ServiceRoles:
    """Assumes roles for services, and checks what they may do."""

    def __init__(
        self, enforcement: Enforcement, session_keys: SessionKeys, caller_of: Callable[[str], Caller | None]
    ) -> None:
        self._enforcement = enforcement
        self._session_keys = session_keys
        self._caller_of = caller_of

    def keys(self, actor: Actor) -> ReadOnlyCredentials:
        """Return the keys of the actor's session. Raises botocore's ClientError if access is denied."""
        try:
            if not actor.via:
                role = self._enforcement.check_trust(actor.role_arn, service=actor.service)
            else:
                first = self._session(Actor(actor.service, actor.via, actor.session_name))
                role = self._enforcement.check_assumption(
                    first, actor.role_arn, external_id=actor.external_id
                )
        except AccessDeniedError as error:
            raise client_error(error, "AssumeRole") from error
        return self._session_keys(role, actor.session_name)

    def can_assume(self, actor: Actor) -> bool:
        """Return whether the role exists and may be assumed."""
        try:
            self.keys(actor)
        except ClientError:
            return False
        return True

    def authorize(self, actor: Actor, permissions: Iterable[Permission]) -> None:
        """Check permissions that AWS requires without a request. Raises botocore's ClientError."""
        try:
            self._enforcement.authorize(self._session(actor), permissions)
        except AccessDeniedError as error:
            raise client_error(error, error.action.partition(":")[2]) from error

    def authorize_service(self, actor: Actor, service: str) -> None:
        """Check that the role is allowed any action of the service. Raises botocore's ClientError."""
        try:
            self._enforcement.authorize_service(self._session(actor), service)
        except AccessDeniedError as error:
            raise client_error(error, service) from error

    def allows(self, actor: Actor, permissions: Iterable[Permission]) -> bool:
        """Return whether the actor has the permissions. For what AWS omits silently: a log, a trace."""
        try:
            caller = self._session(actor)
        except ClientError:
            return False
        return self._enforcement.allows(caller, permissions)

    def _session(self, actor: Actor) -> Caller:
        caller = self._caller_of(self.keys(actor).access_key or "")
        assert caller is not None  # its keys have just been made
        return caller


class ActingCredentials(Credentials):
    """Credentials of the current actor's role session, or of the service itself."""

    def __init__(self, roles: ServiceRoles, own_access_key: str) -> None:
        super().__init__(own_access_key, "local")
        self._roles = roles

    def get_frozen_credentials(self) -> ReadOnlyCredentials:
        actor = current_actor()
        return super().get_frozen_credentials() if actor is None else self._roles.keys(actor)


class _ActingProvider(CredentialProvider):
    """Provides the credentials to a botocore session."""

    METHOD = "stepline"

    def __init__(self, credentials: Credentials) -> None:
        super().__init__()
        self._credentials = credentials

    def load(self) -> Credentials:
        return self._credentials


def acting_client(
    service: str, *, roles: ServiceRoles, endpoint_url: str, account_id: str, region: str, config: Config
) -> Any:
    """Return a boto3 client that signs each request as the current actor (`iam.acting_as`)."""
    core = botocore.session.Session()
    providers = core.get_component("credential_provider")
    providers.insert_before("env", _ActingProvider(ActingCredentials(roles, account_id)))
    session = boto3.Session(botocore_session=core, region_name=region)
    return session.client(service, endpoint_url=endpoint_url, config=config)  # type: ignore[call-overload]


class ArtifactS3Client:
    """The S3 client of CodePipeline, which reads a bucket's settings before it writes to the bucket.

    AWS lists these permissions in the minimal policy of a service role
    (https://docs.aws.amazon.com/codepipeline/latest/userguide/how-to-custom-role.html), but pipelines run
    without them, such as those of AWS's own samples: a denial is recorded, and nothing fails.
    """

    def __init__(self, s3: Any, roles: ServiceRoles) -> None:
        self._s3 = s3
        self._roles = roles

    def put_object(self, **parameters: Any) -> Any:
        if actor := current_actor():
            bucket = f"arn:aws:s3:::{parameters['Bucket']}"
            actions = ("s3:GetBucketVersioning", "s3:GetBucketLocation", "s3:GetBucketAcl")
            for action in actions:
                self._roles.allows(actor, [Permission(action, bucket)])
        return self._s3.put_object(**parameters)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._s3, name)


def client_error(error: AccessDeniedError, operation: str) -> ClientError:
    """Return the error that botocore raises for a denied request."""
    response: Any = {
        "Error": {"Code": "AccessDenied", "Message": error.message},
        "ResponseMetadata": {"HTTPStatusCode": 403},
    }
    return ClientError(response, operation)
