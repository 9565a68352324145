"""Creates the input of the state machine.

StartExecution is idempotent only for byte-identical input. So the input contains no time and no credentials,
and a repeated event gives the same text.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from typing import TYPE_CHECKING, Any

from pipeline.action_parameters import ActionParameters, ArtifactFile, DefaultInput, LiteralInput, S3Object
from pipeline.errors import ActionParametersError, ObjectNotFoundError
from pipeline.job_event import USER_PARAMETERS, Artifact, Job
from pipeline.limits import MAX_INPUT_FILE_BYTES
from stepline.core import strict_json
from stepline.core.archives.errors import ArtifactMemberNotFoundError, RevisionUnavailableError
from stepline.core.archives.reader import ArtifactReader, s3_error
from stepline.core.aws_errors import AWS_FAILURES, EMPTY_OBJECT_CODES, error_code
from stepline.core.errors import ConfigurationError, InvalidInputError
from stepline.core.limits import MAX_INPUT_BYTES, MAX_LISTED_NAMES
from stepline.core.text import quoted
from stepline.core.trigger_keys import CODEPIPELINE, REVISION_BUCKET, REVISION_KEY, TRIGGER_KEYS

if TYPE_CHECKING:
    from pipeline.clients import Clients

DEFAULT_INPUT_FILE = "state_machine_input.json"
_EXAMPLE_INPUT = '{"environmentName": "dev", "stackName": "app", "templatePath": "template.yaml"}'

Document = Mapping[str, Any]


def execution_input(job: Job, parameters: ActionParameters, first_job_id: str, clients: Clients) -> str:
    """Return the input as canonical JSON, at most 262,144 bytes of UTF-8.

    Raise `InvalidInputError`, and the errors of reading the artifact or the object.
    """
    document = merged(_read_input(job, parameters, clients), parameters.parameters)
    _check_keys(document)
    document |= _own_members(job, parameters, first_job_id)
    try:
        text = strict_json.canonical(document)
    except ValueError as error:
        raise InvalidInputError(f"The state machine's input cannot be sent: {error}.") from error
    size = len(text.encode())
    if size > MAX_INPUT_BYTES:
        raise InvalidInputError(
            f"The state machine's input has {size:,} bytes; Step Functions allows {MAX_INPUT_BYTES:,}."
            " Put large data into S3 and pass their keys.",
            size=size,
        )
    return text


def merged(base: Document, over: Document) -> dict[str, Any]:
    """Return `base` merged with `over`: objects are merged, other values, also lists, are replaced."""
    result = dict(base)
    for key, value in over.items():
        old = result.get(key)
        both_objects = isinstance(old, dict) and isinstance(value, dict)
        result[key] = merged(old, value) if both_objects else value  # type: ignore[arg-type]
    return result


def _check_keys(document: Document) -> None:
    for key in TRIGGER_KEYS:
        if key in document:
            raise InvalidInputError(
                f"The state machine's input has the key {quoted(key)}, which only the trigger may set:"
                f" it adds {REVISION_BUCKET} and {REVISION_KEY}, which say where the first input artifact"
                f" is, and {CODEPIPELINE}, the job. Remove it from the input and from parameters."
            )


def _own_members(job: Job, parameters: ActionParameters, first_job_id: str) -> dict[str, Any]:
    codepipeline: dict[str, Any] = {
        "jobId": first_job_id,
        "accountId": job.account_id,
        **_pipeline_members(job, parameters),
        "artifacts": [
            {
                "name": artifact.name,
                "bucket": artifact.bucket,
                "key": artifact.key,
                "revision": artifact.revision,
            }
            for artifact in job.input_artifacts
        ],
    }
    if not job.input_artifacts:
        return {CODEPIPELINE: codepipeline}
    revision = job.input_artifacts[0]
    return {
        REVISION_BUCKET: revision.bucket,
        REVISION_KEY: revision.key,
        CODEPIPELINE: codepipeline,
    }


def _pipeline_members(job: Job, parameters: ActionParameters) -> dict[str, str]:
    """Return what is known of the pipeline: all of it for a custom action."""
    if job.pipeline is not None:
        return {
            "pipelineName": job.pipeline.name,
            "pipelineExecutionId": job.pipeline.execution_id,
            "stage": job.pipeline.stage,
            "action": job.pipeline.action,
        }
    if parameters.pipeline_execution_id is not None:
        return {"pipelineExecutionId": parameters.pipeline_execution_id}
    return {}


def _read_input(job: Job, parameters: ActionParameters, clients: Clients) -> Document:
    match parameters.input:
        case LiteralInput(document):
            return document
        case S3Object() as source:
            return _document(_read_object(job, clients, source), str(source))
        case ArtifactFile() as file:
            return _read_artifact(job, _artifact(job, file), file.path, clients)
        case DefaultInput():
            if not job.input_artifacts:
                return {}
            return _read_default_file(job, clients)


def _read_default_file(job: Job, clients: Clients) -> Document:
    try:
        return _read_artifact(job, job.input_artifacts[0], DEFAULT_INPUT_FILE, clients)
    except ArtifactMemberNotFoundError as error:
        raise ArtifactMemberNotFoundError(
            f"{error.message} Commit it with the state machine's input, for a deployment"
            f" {_EXAMPLE_INPUT}, or name another file in {'InputFile' if job.is_custom else USER_PARAMETERS}."
        ) from error


def _artifact(job: Job, file: ArtifactFile) -> Artifact:
    if not job.input_artifacts:
        raise ActionParametersError(
            f"{job.parameters_name} name the file {quoted(file.path)}, but the action has no input artifact."
        )
    if file.artifact is None:
        return job.input_artifacts[0]
    for artifact in job.input_artifacts:
        if artifact.name == file.artifact:
            return artifact
    names = ", ".join(quoted(artifact.name) for artifact in job.input_artifacts[:MAX_LISTED_NAMES])
    raise ActionParametersError(
        f"{job.parameters_name} name the artifact {quoted(file.artifact)};"
        f" the action's input artifacts are {names}."
    )


def _read_artifact(job: Job, artifact: Artifact, path: str, clients: Clients) -> Document:
    if job.credentials is None:
        raise ConfigurationError("The job has no artifact credentials, so its input artifact cannot be read.")
    reader = ArtifactReader(clients.artifact_s3(job.credentials), artifact.bucket, artifact.key)
    return _document(reader.read(path, max_bytes=MAX_INPUT_FILE_BYTES), f"{path} of {artifact.name}")


def _read_object(job: Job, clients: Clients, source: S3Object) -> bytes:
    """Read one byte more than the limit at most, to detect a larger object."""
    name = quoted(source)
    try:
        response = clients.s3.get_object(
            Bucket=source.bucket, Key=source.key, Range=f"bytes=0-{MAX_INPUT_FILE_BYTES}"
        )
        with closing(response["Body"]) as body:
            data = body.read()
    except AWS_FAILURES as error:
        if error_code(error) in EMPTY_OBJECT_CODES:
            return b""
        raised = s3_error(error, name)
        if isinstance(raised, RevisionUnavailableError):
            parameter = "InputFile" if job.is_custom else f"inputS3 in {USER_PARAMETERS}"
            raise ObjectNotFoundError(f"The input {raised.message} Check {parameter}.") from error
        raise raised from error
    if len(data) > MAX_INPUT_FILE_BYTES:
        raise InvalidInputError(f"The input {name} has more than {MAX_INPUT_FILE_BYTES:,} bytes.")
    return data


def _document(data: bytes, name: str) -> Document:
    try:
        document = strict_json.loads(data)
    except ValueError as error:
        raise InvalidInputError(f"The input {quoted(name)} is not JSON: {error}.") from error
    if not isinstance(document, dict):
        raise InvalidInputError(f"The input {quoted(name)} must be a JSON object.")
    return document
