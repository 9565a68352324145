"""Creates the input of the state machine.

StartExecution is idempotent only for byte-identical input. So the input contains no time and no credentials,
and a repeated event gives the same text.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from typing import TYPE_CHECKING, Any

from pipeline.action_parameters import (
    ActionParameters,
    ArtifactFile,
    DefaultInput,
    InputSource,
    LiteralInput,
    S3Object,
)
from pipeline.errors import ActionParametersError, ObjectNotFoundError
from pipeline.job_event import USER_PARAMETERS, Artifact, Job
from pipeline.limits import MAX_INPUT_FILE_BYTES
from pipeline.settings import LARGE_DATA_BUCKET
from stepline.core import strict_json
from stepline.core.archives.errors import ArtifactMemberNotFoundError, RevisionUnavailableError
from stepline.core.archives.reader import ArtifactReader, s3_error
from stepline.core.aws_errors import AWS_FAILURES, EMPTY_OBJECT_CODES, error_code
from stepline.core.errors import ConfigurationError, InvalidInputError
from stepline.core.large_data import S3_REFERENCE, LargeDataStore, check_values
from stepline.core.limits import MAX_INPUT_BYTES, MAX_LARGE_DATA_BYTES, MAX_LISTED_NAMES
from stepline.core.text import quoted
from stepline.core.trigger_keys import CODEPIPELINE, REVISION_BUCKET, REVISION_KEY, TRIGGER_KEYS

if TYPE_CHECKING:
    from pipeline.clients import Clients

DEFAULT_INPUT_FILE = "state_machine_input.json"
_EXAMPLE_INPUT = '{"environmentName": "dev", "stackName": "app", "templatePath": "template.yaml"}'

Document = Mapping[str, Any]


def execution_input(
    job: Job,
    parameters: ActionParameters,
    first_job_id: str,
    clients: Clients,
    large_data: LargeDataStore | None = None,
) -> str:
    """Return the input as canonical JSON, at most 262,144 bytes of UTF-8.

    With `large_data`, a larger input is stored there, and what is returned has its own members and a
    reference. Raise `InvalidInputError`, the errors of reading the artifact or the object, and those of
    `LargeDataStore.store`.
    """
    reader = _InputReader(job, clients, MAX_INPUT_FILE_BYTES if large_data is None else MAX_LARGE_DATA_BYTES)
    document = merged(reader.read(parameters.input), parameters.parameters)
    _check_keys(document)
    own_members = _own_members(job, parameters, first_job_id)
    text = _canonical(document | own_members)
    size = len(text.encode())
    if size <= MAX_INPUT_BYTES:
        return text
    if large_data is None:
        raise InvalidInputError(
            f"The state machine's input has {size:,} bytes; Step Functions allows {MAX_INPUT_BYTES:,}."
            " Put large data into S3 and pass their keys, or deploy the action with LargeData=true, which"
            f" sets {LARGE_DATA_BUCKET} of its function.",
            size=size,
        )
    reference = large_data.store(first_job_id, text)
    return _canonical(own_members | {S3_REFERENCE: reference.to_json()})


def _canonical(document: Document) -> str:
    try:
        return strict_json.canonical(document)
    except ValueError as error:
        raise InvalidInputError(f"The state machine's input cannot be sent: {error}.") from error


def merged(base: Document, over: Document) -> dict[str, Any]:
    """Return `base` merged with `over`: objects are merged, other values, also lists, are replaced."""
    result = dict(base)
    for key, value in over.items():
        old = result.get(key)
        both_objects = isinstance(old, dict) and isinstance(value, dict)
        result[key] = merged(old, value) if both_objects else value  # type: ignore[arg-type]
    return result


def _check_keys(document: Document) -> None:
    for key in (*TRIGGER_KEYS, S3_REFERENCE):
        if key in document:
            raise InvalidInputError(
                f"The state machine's input has the key {quoted(key)}, which only the action may set:"
                f" it adds {REVISION_BUCKET} and {REVISION_KEY}, which say where the first input artifact"
                f" is, {CODEPIPELINE}, the job, and for a large input {S3_REFERENCE}. Remove it from the"
                " input and from parameters."
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


class _InputReader:
    """Reads the input of an action, of at most `max_bytes`, as a JSON object."""

    def __init__(self, job: Job, clients: Clients, max_bytes: int) -> None:
        self._job = job
        self._clients = clients
        self._max_bytes = max_bytes

    def read(self, source: InputSource) -> Document:
        match source:
            case LiteralInput(document):
                return document
            case S3Object():
                return _document(self._read_object(source), str(source))
            case ArtifactFile() as file:
                return self._read_artifact(_artifact(self._job, file), file.path)
            case DefaultInput():
                return self._read_default_file() if self._job.input_artifacts else {}

    def _read_default_file(self) -> Document:
        try:
            return self._read_artifact(self._job.input_artifacts[0], DEFAULT_INPUT_FILE)
        except ArtifactMemberNotFoundError as error:
            raise ArtifactMemberNotFoundError(
                f"{error.message} Commit it with the state machine's input, for a deployment"
                f" {_EXAMPLE_INPUT}, or name another file in"
                f" {'InputFile' if self._job.is_custom else USER_PARAMETERS}."
            ) from error

    def _read_artifact(self, artifact: Artifact, path: str) -> Document:
        if self._job.credentials is None:
            raise ConfigurationError(
                "The job has no artifact credentials, so its input artifact cannot be read."
            )
        s3 = self._clients.artifact_s3(self._job.credentials)
        reader = ArtifactReader(s3, artifact.bucket, artifact.key)
        return _document(reader.read(path, max_bytes=self._max_bytes), f"{path} of {artifact.name}")

    def _read_object(self, source: S3Object) -> bytes:
        """Read one byte more than the limit at most, to detect a larger object."""
        name = quoted(source)
        try:
            response = self._clients.s3.get_object(
                Bucket=source.bucket, Key=source.key, Range=f"bytes=0-{self._max_bytes}"
            )
            with closing(response["Body"]) as body:
                data = body.read()
        except AWS_FAILURES as error:
            if error_code(error) in EMPTY_OBJECT_CODES:
                return b""
            raised = s3_error(error, name)
            if isinstance(raised, RevisionUnavailableError):
                parameter = "InputFile" if self._job.is_custom else f"inputS3 in {USER_PARAMETERS}"
                raise ObjectNotFoundError(f"The input {raised.message} Check {parameter}.") from error
            raise raised from error
        if len(data) > self._max_bytes:
            raise InvalidInputError(f"The input {name} has more than {self._max_bytes:,} bytes.")
        return data


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


def _document(data: bytes, name: str) -> Document:
    if len(data) > MAX_INPUT_FILE_BYTES:
        check_values(data, f"The input {quoted(name)}")
    try:
        document = strict_json.loads(data)
    except ValueError as error:
        raise InvalidInputError(f"The input {quoted(name)} is not JSON: {error}.") from error
    if not isinstance(document, dict):
        raise InvalidInputError(f"The input {quoted(name)} must be a JSON object.")
    return document
