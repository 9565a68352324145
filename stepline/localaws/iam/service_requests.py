"""The IAM actions and resources of a request to CodePipeline, CodeCommit, CloudWatch Logs and Batch.

https://docs.aws.amazon.com/service-authorization/latest/reference/list_awscodepipeline.html
https://docs.aws.amazon.com/service-authorization/latest/reference/list_awscodecommit.html
https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoncloudwatchlogs.html
https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsbatch.html
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


def logs(operation: str, parameters: Mapping[str, Any], *, account: str, region: str) -> Need:
    """A group is the beginning of its streams, which `log-group:<name>:*` in a policy matches."""
    group = str(parameters.get("logGroupName") or parameters.get("logGroupIdentifier") or "")
    if not group:
        return Need(f"logs:{operation}", str(parameters.get("resourceArn") or "*"))
    name = group.partition(":log-group:")[2].removesuffix(":*") if group.startswith("arn:") else group
    stream = parameters.get("logStreamName") or ""
    return Need(f"logs:{operation}", f"arn:aws:logs:{region}:{account}:log-group:{name}:log-stream:{stream}")


def batch(operation: str, parameters: Mapping[str, Any], *, account: str, region: str) -> tuple[Need, ...]:
    """Of those that a role calls; describing and listing have no resource. A job needs its queue, too."""
    if operation == "SubmitJob":
        kinds = {"job-definition": "jobDefinition", "job-queue": "jobQueue"}
    elif operation in {"CancelJob", "TerminateJob"}:
        kinds = {"job": "jobId"}
    else:
        return (Need(f"batch:{operation}", "*"),)

    def arn(kind: str, name: str) -> str:
        return name if name.startswith("arn:") else f"arn:aws:batch:{region}:{account}:{kind}/{name}"

    needed = {kind: str(parameters.get(member)) for kind, member in kinds.items()}
    return tuple(Need(f"batch:{operation}", arn(kind, name)) for kind, name in needed.items())
