"""The macro: puts a definition from S3 into the properties of a state machine. CloudFormation invokes it.

In the template, beside the machine's other properties:

    Fn::Transform: { Name: …, Parameters: { Key: !Ref DefinitionKey, Version: !Ref DefinitionVersion } }

With a blank Version the properties stay as they are: the template's own definition holds until somebody
deploys another one.

IAM: s3:GetObjectVersion on the definitions and kms:Decrypt with their key; s3:ListBucket on the bucket, so
that an object that is not there is told from one that may not be read; states:ValidateStateMachineDefinition.
Environment: DEFINITIONS_BUCKET, DEFINITIONS_PREFIX.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from aws_lambda_powertools import Logger
from botocore.exceptions import ClientError

from statemachines.fields import Fields, JsonObject
from statemachines.workflow import macro
from statemachines.workflow.definition import Surroundings, check, decoded
from statemachines.workflow.errors import DefinitionNotFoundError, DefinitionRefusedError, MacroUseError
from statemachines.workflow.limits import MAX_DEFINITION_BYTES
from statemachines.workflow.macro import MacroEvent
from statemachines.workflow.settings import Settings, settings
from stepline.core import clients
from stepline.core.aws_errors import AWS_FAILURES, FailureKind, classify, error_code, translate
from stepline.core.errors import SteplineError
from stepline.core.text import quoted

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_stepfunctions import SFNClient

_SERVICE: Final = "workflow"
_NULL_VERSION: Final = "null"  # of objects that were written before the bucket had versions
_DEFINITIONS: Final = ("Definition", "DefinitionS3Location", "DefinitionString")
_log = Logger(service=_SERVICE)


def handler(event: Any, _context: Any) -> JsonObject:
    """Answers `{"requestId", "status": "success", "fragment"}`, or `"failure"` with `errorMessage`.

    An error that is none of ours is raised: CloudFormation then only knows that the macro failed.
    """
    fields = Fields(event, "the event")
    try:
        request = MacroEvent.parse(fields)
        properties = inject(clients.s3(), clients.stepfunctions(), request, settings())
    except SteplineError as error:
        _log.warning("macro failed", error=type(error).__name__, reason=error.message)
        return macro.failure(fields, error)
    except AWS_FAILURES as failed:
        explained = translate(failed)
        _log.warning("macro failed", error=type(explained).__name__, reason=explained.message)
        return macro.failure(fields, explained)
    _log.info("macro succeeded", key=request.key, version=request.version)
    return macro.success(request, properties)


def inject(s3: S3Client, stepfunctions: SFNClient, request: MacroEvent, where: Settings) -> Mapping[str, Any]:
    """The machine's properties with the definition. Raises `TaskError`, or botocore's errors."""
    if not request.version:
        return request.properties
    if request.version == _NULL_VERSION:
        raise MacroUseError("The Version null is no version: it changes with each write.")
    if not request.key.startswith(where.prefix):
        raise MacroUseError(
            f"The Key {quoted(request.key)} must begin with {quoted(where.prefix)}: others are not read."
        )
    try:
        text = decoded(_read(s3, where.bucket, request))
        check(stepfunctions, text, _surroundings(request))
    except DefinitionRefusedError as error:
        raise DefinitionRefusedError(
            f"The {_object(where.bucket, request)} cannot be used. {error.message}"
        ) from error
    kept = {name: value for name, value in request.properties.items() if name not in _DEFINITIONS}
    return {**kept, "DefinitionString": text}


def _surroundings(request: MacroEvent) -> Surroundings:
    substitutions = request.properties.get("DefinitionSubstitutions", {})
    machine_type = request.properties.get("StateMachineType", "STANDARD")
    if not isinstance(substitutions, Mapping) or machine_type not in ("STANDARD", "EXPRESS"):
        raise MacroUseError(
            "DefinitionSubstitutions must be an object, and StateMachineType STANDARD or EXPRESS: the macro"
            " checks the definition with them."
        )
    return Surroundings(request.region, request.account_id, machine_type, substitutions)


def _read(s3: S3Client, bucket: str, request: MacroEvent) -> bytes:
    try:
        answer = s3.get_object(Bucket=bucket, Key=request.key, VersionId=request.version)
    except ClientError as error:
        if classify(error) is FailureKind.MISSING or error_code(error) == "InvalidArgument":
            raise DefinitionNotFoundError(f"There is no {_object(bucket, request)}.") from error
        raise
    if answer["ContentLength"] > MAX_DEFINITION_BYTES:
        raise DefinitionRefusedError(f"It has more than {MAX_DEFINITION_BYTES:,} bytes.")
    return answer["Body"].read()


def _object(bucket: str, request: MacroEvent) -> str:
    return f"object {quoted(request.key)} of {bucket} in version {quoted(request.version)}"
