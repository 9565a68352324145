"""Lists the executions of an action in one pipeline execution: one for each attempt."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from stepline.core.aws_errors import error_code

if TYPE_CHECKING:
    from mypy_boto3_codepipeline import CodePipelineClient

IN_PROGRESS: Final = "InProgress"
"""Status of an action execution [model: ActionExecutionStatus]."""

_UNKNOWN_CODES: Final = frozenset({"PipelineNotFoundException", "PipelineExecutionNotFoundException"})


def list_action_executions(
    codepipeline: CodePipelineClient, *, pipeline: str, execution_id: str, stage: str, action: str
) -> list[Mapping[str, Any]]:
    """Return ActionExecutionDetails [model], the latest first.

    Return none if the pipeline or its execution does not exist in the account and region. Raise the errors
    of botocore. IAM: codepipeline:ListActionExecutions.
    """
    pages = codepipeline.get_paginator("list_action_executions").paginate(
        pipelineName=pipeline, filter={"pipelineExecutionId": execution_id}
    )
    try:
        found = [item for page in pages for item in page["actionExecutionDetails"]]
    except ClientError as error:
        if error_code(error) in _UNKNOWN_CODES:
            return []
        raise
    return [item for item in found if (item["stageName"], item["actionName"]) == (stage, action)]
