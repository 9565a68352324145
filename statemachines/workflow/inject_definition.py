"""The macro: injects a definition from S3 into the properties of a state machine. CloudFormation invokes it.

In the template, beside the other properties of the state machine:

    Fn::Transform: { Name: …, Parameters: { Key: !Ref DefinitionKey, Version: !Ref DefinitionVersion } }

With a blank Version the properties are not changed: the template's own definition is used until another one
is deployed.

IAM: s3:GetObjectVersion on the definitions and kms:Decrypt with their key; s3:ListBucket on the bucket,
without which S3 returns AccessDenied for a missing object; states:ValidateStateMachineDefinition.
Environment: DEFINITIONS_BUCKET, the only bucket that definitions are read from, and DEFINITIONS_PREFIX of
their keys.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from aws_lambda_powertools import Logger
from botocore.exceptions import ClientError

from statemachines.workflow import macro
from statemachines.workflow.definition import MAX_DEFINITION_CHARACTERS, Target, decode, validate
from statemachines.workflow.errors import DefinitionNotFoundError, DefinitionRefusedError, MacroUseError
from statemachines.workflow.macro import MacroEvent
from stepline.core import clients
from stepline.core.aws_errors import FailureKind, classify, error_code, translated
from stepline.core.environment import required
from stepline.core.errors import SteplineError
from stepline.core.fields import Fields, JsonObject
from stepline.core.text import quoted

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_stepfunctions import SFNClient

MAX_DEFINITION_BYTES: Final = 4 * MAX_DEFINITION_CHARACTERS
"""Read of an object [ours]: a character has at most four bytes of UTF-8."""

_NULL_VERSION: Final = "null"  # of objects that were written before the bucket had versioning
_DEFINITIONS: Final = ("Definition", "DefinitionS3Location", "DefinitionString")
_log = Logger(service="workflow")


def handler(event: Any, _context: Any) -> JsonObject:
    """Returns `{"requestId", "status": "success", "fragment"}`, or `"failure"` with `errorMessage`.

    Unexpected exceptions are raised: CloudFormation then reports only that the macro failed.
    """
    fields = Fields(event, "the event")
    try:
        request = MacroEvent.parse(fields)
        with translated():
            properties = inject(clients.s3(), clients.stepfunctions(), request)
    except SteplineError as error:
        _log.warning("Macro failed", error=type(error).__name__, reason=error.message)
        return macro.failure(fields, error)
    _log.info("Macro succeeded", key=request.key, version=request.version)
    return macro.success(request, properties)


def inject(s3: S3Client, stepfunctions: SFNClient, request: MacroEvent) -> Mapping[str, Any]:
    """Return the properties with the definition. Raise a `SteplineError`, or botocore's exceptions."""
    bucket, prefix = required("DEFINITIONS_BUCKET"), required("DEFINITIONS_PREFIX")
    if not request.version:
        return request.properties
    if request.version == _NULL_VERSION:
        raise MacroUseError("The Version null cannot be used: its content changes with each write.")
    if not request.key.startswith(prefix):
        raise MacroUseError(f"The Key {quoted(request.key)} must begin with {quoted(prefix)}.")
    try:
        text = decode(_read(s3, bucket, request))
        validate(stepfunctions, text, _target(request))
    except DefinitionRefusedError as error:
        raise DefinitionRefusedError(
            f"The {_object(bucket, request)} cannot be used. {error.message}"
        ) from error
    kept = {name: value for name, value in request.properties.items() if name not in _DEFINITIONS}
    return {**kept, "DefinitionString": text}


def _target(request: MacroEvent) -> Target:
    substitutions = request.properties.get("DefinitionSubstitutions", {})
    machine_type = request.properties.get("StateMachineType", "STANDARD")
    if not isinstance(substitutions, Mapping) or machine_type not in ("STANDARD", "EXPRESS"):
        raise MacroUseError(
            "DefinitionSubstitutions must be an object, and StateMachineType STANDARD or EXPRESS: the macro"
            " validates the definition with them."
        )
    return Target(request.region, request.account_id, machine_type, substitutions)


def _read(s3: S3Client, bucket: str, request: MacroEvent) -> bytes:
    try:
        response = s3.get_object(Bucket=bucket, Key=request.key, VersionId=request.version)
    except ClientError as error:
        if classify(error) is FailureKind.MISSING or error_code(error) == "InvalidArgument":
            raise DefinitionNotFoundError(f"There is no {_object(bucket, request)}.") from error
        raise
    if response["ContentLength"] > MAX_DEFINITION_BYTES:
        raise DefinitionRefusedError(f"It has more than {MAX_DEFINITION_BYTES:,} bytes.")
    return response["Body"].read()


def _object(bucket: str, request: MacroEvent) -> str:
    return f"object {quoted(request.key)} of {bucket} in version {quoted(request.version)}"
