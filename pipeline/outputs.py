"""Creates the output variables and the output artifact from an execution's output."""

from __future__ import annotations

import io
import json
import math
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipeline.action_parameters import OUTPUT_VARIABLE_NAME
from pipeline.limits import (
    MAX_OUTPUT_SUMMARY_CHARACTERS,
    MAX_OUTPUT_VARIABLES_BYTES,
    OUTPUT_VARIABLE_OVERHEAD_BYTES,
)
from pipeline.output_expressions import search_all
from stepline.core import strict_json
from stepline.core.aws_errors import (
    AWS_FAILURES,
    EXPIRED_CREDENTIALS_CODES,
    AwsFailure,
    FailureKind,
    error_code,
    translate,
)
from stepline.core.errors import SteplineError
from stepline.core.limits import MAX_LISTED_NAMES, MAX_QUOTED_CHARACTERS
from stepline.core.text import printable
from stepline.core.trigger_keys import OUTPUT_SUMMARY

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import PutObjectRequestTypeDef

    from pipeline.job_event import Artifact

OUTPUT_FILE = "output.json"
_ZIP_TIME = (1980, 1, 1, 0, 0, 0)
"""The earliest time in a zip. It is constant, so that the same output gives the same bytes."""


@dataclass(frozen=True)
class OutputVariables:
    """The output variables, and the names in `outputVariables` that have no usable value (`left_out`).

    `summary` is what the state machine itself says in its output, as `stepline_summary`.
    """

    values: Mapping[str, str]
    left_out: tuple[str, ...] = ()
    summary: str = ""

    @property
    def remark(self) -> str:
        """Sentences for the action's summary; empty if there is nothing to say."""
        return (f" {self.summary}" if self.summary else "") + self._left_out_remark()

    def _left_out_remark(self) -> str:
        if not self.left_out:
            return ""
        shown = ", ".join(self.left_out[:MAX_LISTED_NAMES])
        more = len(self.left_out) - MAX_LISTED_NAMES
        return f" Left out, being null, too large or not in the output: {shown}" + (
            f" and {more} more." if more > 0 else "."
        )


def output_variables(output: str | None, expressions: Mapping[str, str] | None) -> OutputVariables:
    """Return the values of `expressions` (name -> JMESPath), or else the scalar members of the output.

    Values other than text become JSON. Variables that cannot be evaluated or sent, or do not fit into
    122,880 bytes, are left out: no output fails a succeeded execution.
    """
    document = _document(output)
    summary = _summary(document)
    if expressions is None:
        return OutputVariables(dict(_fitting(_scalars(document))), summary=summary)
    found = {name: _text(value) for name, value in search_all(expressions, document).items()}
    values = dict(_fitting((name, text) for name, text in found.items() if text is not None))
    return OutputVariables(values, tuple(name for name in expressions if name not in values), summary)


def _summary(document: Any) -> str:
    text = document.get(OUTPUT_SUMMARY) if isinstance(document, dict) else None
    return printable(text, MAX_OUTPUT_SUMMARY_CHARACTERS) if isinstance(text, str) else ""


def _document(output: str | None) -> Any:
    """Return the output, or None if it cannot be read. A number that is too large becomes infinite."""
    try:
        return json.loads(output or "null", parse_int=_whole_number)
    except (ValueError, RecursionError):
        return None


def _whole_number(text: str) -> int | float:
    try:
        return int(text)
    except ValueError:  # more than 4,300 digits
        return math.inf


def _scalars(document: Any) -> Iterator[tuple[str, str]]:
    if not isinstance(document, dict):
        return
    for name, value in document.items():
        if isinstance(value, (str, int, float)) and OUTPUT_VARIABLE_NAME.fullmatch(name):
            text = _text(value)
            if text is not None:
                yield name, text


def _text(value: Any) -> str | None:
    """Return `value` as the text of a variable, or None if it is null or cannot be sent."""
    if value is None:
        return None
    try:
        if isinstance(value, str):
            value.encode()
            return value
        return strict_json.canonical(value)
    except ValueError:
        return None


def _fitting(variables: Iterator[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    left_bytes = MAX_OUTPUT_VARIABLES_BYTES
    for name, text in variables:
        size = len(name.encode()) + len(text.encode()) + OUTPUT_VARIABLE_OVERHEAD_BYTES
        if size <= left_bytes:
            left_bytes -= size
            yield name, text


def write_output_artifact(
    s3: S3Client, artifact: Artifact, output: str | None, encryption_key_id: str | None
) -> None:
    """Write a zip with `output.json` to the location of the output artifact, encrypted with the job's key.

    Raise `PermissionDeniedError`, `ConfigurationError`, or `TransientAwsError`, also for expired credentials:
    the next job has new ones.
    """
    request: PutObjectRequestTypeDef = {
        "Bucket": artifact.bucket,
        "Key": artifact.key,
        "Body": output_archive(output),
        "ContentType": "application/zip",
    }
    if encryption_key_id is not None:
        request |= {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": encryption_key_id}
    try:
        s3.put_object(**request)
    except AWS_FAILURES as error:
        raise _write_error(artifact, error) from error


def output_archive(output: str | None) -> bytes:
    """Return the zip; the same output gives the same bytes."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        info = zipfile.ZipInfo(OUTPUT_FILE, _ZIP_TIME)
        info.compress_type = zipfile.ZIP_DEFLATED
        info.external_attr = 0o644 << 16
        archive.writestr(info, (output or "null").encode(errors="replace"))
    return target.getvalue()


def _write_error(artifact: Artifact, error: AwsFailure) -> SteplineError:
    name = printable(f"s3://{artifact.bucket}/{artifact.key}", MAX_QUOTED_CHARACTERS)
    result = f"The execution succeeded, but its output artifact {name} could not be written"
    sentences = dict.fromkeys(FailureKind, f"{result}:") | {
        FailureKind.PERMISSION: f"{result}: allow the action's role s3:PutObject and, for an encrypted"
        " bucket, kms:GenerateDataKey.",
    }
    has_expired = error_code(error) in EXPIRED_CREDENTIALS_CODES
    return translate(error, sentences, kind=FailureKind.TRANSIENT if has_expired else None)
