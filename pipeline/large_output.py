"""Reads an output that the state machine has stored in S3, because it is too large for Step Functions."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Final

from pipeline.limits import MAX_UNREAD_OUTPUT_CHARACTERS
from stepline.core.errors import InvalidInputError, PermissionDeniedError, SteplineError
from stepline.core.fields import Fields
from stepline.core.large_data import S3_REFERENCE, LargeDataStore, S3Reference, load_json
from stepline.core.text import cut

_NOT_READ: Final = (InvalidInputError, PermissionDeniedError)


@dataclass(frozen=True)
class WholeOutput:
    """The output as JSON. `error`: why the referenced object, which is then missing in it, was not read."""

    text: str | None
    error: SteplineError | None = None

    @property
    def remark(self) -> str:
        """A sentence for the action's summary; empty if there is nothing to say."""
        if self.error is None:
            return ""
        return f" Its output was not read: {cut(self.error.message, MAX_UNREAD_OUTPUT_CHARACTERS)}"


def whole_output(store: LargeDataStore, output: str | None) -> WholeOutput:
    """Return the output with the members of the object that its `s3Reference` names, if there is one.

    A member beside the reference replaces one of the object. A reference that cannot be read fails nothing,
    because the execution has succeeded. Raise `TransientAwsError`.
    """
    document = _document(output)
    if not isinstance(document, dict) or not isinstance(document.get(S3_REFERENCE), dict):
        return WholeOutput(output)
    found = document.pop(S3_REFERENCE)
    try:
        value = load_json(store, S3Reference.parse(Fields(found, "the output", S3_REFERENCE)))
        if document and not isinstance(value, dict):
            raise InvalidInputError(
                f"The output has other members than {S3_REFERENCE}, so the object must have an object, too."
            )
    except _NOT_READ as error:
        return WholeOutput(json.dumps(document), error)
    return WholeOutput(json.dumps({**value, **document} if document else value))


def _document(output: str | None) -> Any:
    if output is None or S3_REFERENCE not in output:
        return None
    try:
        return json.loads(output)
    except (ValueError, RecursionError):
        return None
