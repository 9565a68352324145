"""Returns the permission of a request to a service whose ARNs ministack does not know.

https://docs.aws.amazon.com/service-authorization/latest/reference/list_awscodepipeline.html
https://docs.aws.amazon.com/service-authorization/latest/reference/list_awscodecommit.html
https://docs.aws.amazon.com/service-authorization/latest/reference/list_awscodebuild.html
https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoncloudwatchlogs.html
https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsbatch.html
https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoneventbridgescheduler.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stepline.core.executions.arns import MachineArn
from stepline.localaws.iam.enforcement import PASSED_TO_SERVICE, Permission

Parameters = Mapping[str, Any]

_ACTION_TYPE_REQUESTS = frozenset({"CreateCustomActionType", "DeleteCustomActionType", "PollForJobs"})
_ACTION_TYPE_PARTS = ("owner", "category", "provider", "version")

# CodePipeline's requests on a stage or an action of a pipeline, and the parameters that name it.
_RESOURCE_PARTS = {
    "DisableStageTransition": ("stageName",),
    "EnableStageTransition": ("stageName",),
    "RetryStageExecution": ("stageName",),
    "PutApprovalResult": ("stageName", "actionName"),
}


def codepipeline_permission(
    operation: str, parameters: Parameters, *, account: str, region: str
) -> Permission:
    """Requests on jobs have no resource: theirs is `*`, except for PollForJobs, whose is the action type."""
    if operation in _ACTION_TYPE_REQUESTS:
        identifier = {"owner": "Custom", **parameters.get("actionTypeId", parameters)}
        parts = [str(identifier.get(part)) for part in _ACTION_TYPE_PARTS]
        resource = f"arn:aws:codepipeline:{region}:{account}:actiontype:{'/'.join(parts)}"
        return Permission(f"codepipeline:{operation}", resource)
    name = parameters.get("pipelineName") or parameters.get("name")
    if isinstance(parameters.get("pipeline"), Mapping):
        name = parameters["pipeline"].get("name")
    parts = [str(parameters.get(part)) for part in _RESOURCE_PARTS.get(operation, ())]
    resource = parameters.get("resourceArn", "*")
    if name:
        resource = "/".join([f"arn:aws:codepipeline:{region}:{account}:{name}", *parts])
    return Permission(f"codepipeline:{operation}", resource)


def codecommit_permission(operation: str, parameters: Parameters, *, account: str, region: str) -> Permission:
    name = parameters.get("repositoryName") or parameters.get("oldName")
    arn = f"arn:aws:codecommit:{region}:{account}:{name}" if name else parameters.get("resourceArn", "*")
    return Permission(f"codecommit:{operation}", arn)


def codebuild_permissions(
    operation: str, parameters: Parameters, *, account: str, region: str
) -> tuple[Permission, ...]:
    """The resource of a request on builds is their project."""
    names = [parameters.get("projectName") or parameters.get("name") or parameters.get("id")]
    names = [*names, *parameters.get("names", ()), *parameters.get("ids", ())]
    projects = {_project_name(str(name)): None for name in names if name}
    resources = [f"arn:aws:codebuild:{region}:{account}:project/{name}" for name in projects]
    return tuple(Permission(f"codebuild:{operation}", resource) for resource in resources or ["*"])


def _project_name(name: str) -> str:
    """Return the project of a project's name, a build's id, or the ARN of either."""
    return (name.partition("/")[2] if name.startswith("arn:") else name).partition(":")[0]


def logs_permission(operation: str, parameters: Parameters, *, account: str, region: str) -> Permission:
    """The resource of a group is the prefix of its streams, so that `log-group:<name>:*` matches it."""
    group = str(parameters.get("logGroupName") or parameters.get("logGroupIdentifier") or "")
    if not group:
        return Permission(f"logs:{operation}", str(parameters.get("resourceArn") or "*"))
    name = group.partition(":log-group:")[2].removesuffix(":*") if group.startswith("arn:") else group
    stream = parameters.get("logStreamName") or ""
    arn = f"arn:aws:logs:{region}:{account}:log-group:{name}:log-stream:{stream}"
    return Permission(f"logs:{operation}", arn)


def batch_permissions(
    operation: str, parameters: Parameters, *, account: str, region: str
) -> tuple[Permission, ...]:
    """Requests that describe and list have no resource. SubmitJob is on a job definition and a queue."""
    if operation == "SubmitJob":
        kinds = {"job-definition": "jobDefinition", "job-queue": "jobQueue"}
    elif operation in {"CancelJob", "TerminateJob"}:
        kinds = {"job": "jobId"}
    else:
        return (Permission(f"batch:{operation}", "*"),)

    def arn(kind: str, name: str) -> str:
        return name if name.startswith("arn:") else f"arn:aws:batch:{region}:{account}:{kind}/{name}"

    names = {kind: str(parameters.get(member)) for kind, member in kinds.items()}
    return tuple(Permission(f"batch:{operation}", arn(kind, name)) for kind, name in names.items())


def scheduler_permissions(
    operation: str, parameters: Parameters, *, account: str, region: str
) -> tuple[Permission, ...]:
    """Requests on a schedule or a group have it as their resource; the role of a schedule is passed.

    `parameters`: those of the path and the body together.
    """
    place = f"arn:aws:scheduler:{region}:{account}"
    resource = str(parameters.get("ResourceArn") or "*")
    if operation.endswith("ScheduleGroup"):
        resource = f"{place}:schedule-group/{parameters.get('Name')}"
    elif operation.endswith("Schedule"):
        group = parameters.get("GroupName") or "default"
        resource = f"{place}:schedule/{group}/{parameters.get('Name')}"
    own = Permission(f"scheduler:{operation}", resource)
    role = parameters.get("Target", {}).get("RoleArn")
    context = {PASSED_TO_SERVICE: "scheduler.amazonaws.com"}
    return (own, Permission("iam:PassRole", str(role), context)) if role else (own,)


def state_machine_permission(action: str, arn: str) -> Permission:
    """Return the permission for a state machine, which is also that for its versions and aliases.

    A condition on `states:StateMachineQualifier` may name these [Step Functions guide, "Permissions for
    versions and aliases"].
    """
    machine = MachineArn.parse(arn)
    if machine is None or machine.qualifier is None:
        return Permission(action, arn)
    return Permission(action, machine.base, {"states:statemachinequalifier": machine.qualifier})
