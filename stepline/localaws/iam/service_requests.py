"""The IAM action and resource of a request to CodePipeline and CodeCommit.

https://docs.aws.amazon.com/service-authorization/latest/reference/list_awscodepipeline.html
https://docs.aws.amazon.com/service-authorization/latest/reference/list_awscodecommit.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stepline.localaws.iam.enforcement import Need

# Requests of CodePipeline on a stage or an action of a pipeline, and the parameters that name it.
_PARTS = {
    "DisableStageTransition": ("stageName",),
    "EnableStageTransition": ("stageName",),
    "RetryStageExecution": ("stageName",),
    "PutApprovalResult": ("stageName", "actionName"),
}


def codepipeline(operation: str, parameters: Mapping[str, Any], *, account: str, region: str) -> Need:
    """Jobs belong to no resource: those requests are on `*`."""
    name = parameters.get("pipelineName") or parameters.get("name")
    if isinstance(parameters.get("pipeline"), Mapping):
        name = parameters["pipeline"].get("name")
    parts = [str(parameters.get(part)) for part in _PARTS.get(operation, ())]
    resource = parameters.get("resourceArn", "*")
    if name:
        resource = "/".join([f"arn:aws:codepipeline:{region}:{account}:{name}", *parts])
    return Need(f"codepipeline:{operation}", resource)


def codecommit(operation: str, parameters: Mapping[str, Any], *, account: str, region: str) -> Need:
    name = parameters.get("repositoryName") or parameters.get("oldName")
    arn = f"arn:aws:codecommit:{region}:{account}:{name}" if name else parameters.get("resourceArn", "*")
    return Need(f"codecommit:{operation}", arn)
