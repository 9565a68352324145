"""Properties that ministack's CloudFormation drops, and that permissions depend on."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Mapping
from typing import Any

from botocore.exceptions import ClientError
from ministack.services import s3, stepfunctions
from ministack.services.cloudformation import provisioners

from stepline.localaws.iam import Actor
from stepline.localaws.iam.needs import execution_tracing, log_delivery
from stepline.localaws.service_roles import ServiceRoles
from stepline.localaws.stepfunctions.models import Machine

Properties = Mapping[str, Any]

_ENCRYPTION = (
    "<ServerSideEncryptionConfiguration><Rule><ApplyServerSideEncryptionByDefault>"
    "<SSEAlgorithm>{algorithm}</SSEAlgorithm>{key}"
    "</ApplyServerSideEncryptionByDefault></Rule></ServerSideEncryptionConfiguration>"
)


def encrypt_buckets() -> None:
    """Give a bucket the default encryption of its template; without it no key is ever needed."""

    def apply(bucket: str, properties: Properties) -> None:
        for rule in properties.get("BucketEncryption", {}).get("ServerSideEncryptionConfiguration", []):
            default = rule["ServerSideEncryptionByDefault"]
            key = default.get("KMSMasterKeyID")
            key = f"<KMSMasterKeyID>{key}</KMSMasterKeyID>" if key else ""
            document = _ENCRYPTION.format(algorithm=default["SSEAlgorithm"], key=key)
            s3._put_bucket_encryption(bucket, document.encode())

    _after("AWS::S3::Bucket", apply)


def remember_tracing() -> None:
    """Let a state machine know whether it is traced."""

    def apply(arn: str, properties: Properties) -> None:
        enabled = bool(properties.get("TracingConfiguration", {}).get("Enabled"))
        stepfunctions._state_machines[arn]["tracingConfiguration"] = {"enabled": enabled}

    _after("AWS::StepFunctions::StateMachine", apply)


def deliver_logs(roles: ServiceRoles) -> None:
    """Check, as Step Functions does, that a machine's role may set up the delivery of its log."""
    handlers = provisioners._RESOURCE_HANDLERS["AWS::StepFunctions::StateMachine"]
    create, update, delete = handlers["create"], handlers["update"], handlers["delete"]

    def check(properties: Properties, operation: str) -> None:
        if properties.get("LoggingConfiguration", {}).get("Level", "OFF") == "OFF":
            return
        try:
            roles.authorize(_machine_actor(properties["RoleArn"]), log_delivery(operation))
        except ClientError as error:
            reason = error.response["Error"]["Message"]
            raise ValueError(
                f"The state machine IAM Role is not authorized to access the Log Destination: {reason}"
            ) from error

    @functools.wraps(create)
    def checked_create(logical_id: str, properties: Properties, stack_name: str) -> Any:
        check(properties, "Create")
        return create(logical_id, properties, stack_name)

    @functools.wraps(update)
    def checked_update(physical_id: str, old: Properties, new: Properties, *args: Any, **kwargs: Any) -> Any:
        check(new, "Update")
        return update(physical_id, old, new, *args, **kwargs)

    @functools.wraps(delete)
    def checked_delete(physical_id: str, properties: Properties) -> Any:
        with contextlib.suppress(ValueError):  # the machine goes, whatever becomes of its log's delivery
            check(properties, "Delete")
        return delete(physical_id, properties)

    handlers.update(create=checked_create, update=checked_update, delete=checked_delete)


def trace(machine: Machine, roles: ServiceRoles) -> None:
    """What Step Functions does under the role of a traced machine when an execution starts."""
    if (machine.tracing_configuration or {}).get("enabled"):
        roles.allows(_machine_actor(machine.role_arn), execution_tracing())


def _machine_actor(role_arn: str) -> Actor:
    return Actor("states.amazonaws.com", role_arn, "stepline")


def _after(resource_type: str, apply: Callable[[str, Properties], None]) -> None:
    """Call `apply` with the physical id and the properties of each resource that is created or updated."""
    handlers = provisioners._RESOURCE_HANDLERS[resource_type]
    create, update = handlers["create"], handlers["update"]

    @functools.wraps(create)
    def created(logical_id: str, properties: Properties, stack_name: str) -> Any:
        resource = create(logical_id, properties, stack_name)
        apply(resource[0], properties)
        return resource

    @functools.wraps(update)
    def updated(physical_id: str, old: Properties, new: Properties, *args: Any, **kwargs: Any) -> Any:
        resource = update(physical_id, old, new, *args, **kwargs)
        apply(resource[0], new)
        return resource

    handlers.update(create=created, update=updated)
