"""The page of an approval: of a request of a state machine, or of an approval action of a pipeline.

No page and no document has the token of an approval action: it is looked up again when the answer comes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from botocore.exceptions import ClientError

from stepline.aws.approvals import (
    MAX_COMMENT_CHARACTERS,
    AnyApproval,
    Approval,
    ApprovalChoice,
    find_approval,
    list_approvals,
)
from stepline.aws.pipelines import PipelineDefinition, find_pipeline, read_execution
from stepline.aws.redaction import redact_json, redact_optional
from stepline.aws.revisions import RevisionReader
from stepline.aws.times import iso_time
from stepline.aws.workflow_approvals import ChangeApproval, WaveApproval, WorkflowApproval
from stepline.console.addresses import execution_address, pipeline_execution_address, web_link
from stepline.console.pages import Console, Document, Page, PageNotFoundError, Query, Read
from stepline.console.pipeline_documents import revision_members
from stepline.core.approvals import NOBODY_CAN_APPROVE
from stepline.core.aws_errors import error_code
from stepline.core.errors import UsageError

_MISSING: Final = frozenset(
    {"PipelineNotFoundException", "PipelineExecutionNotFoundException", "ValidationException"}
)
_NAMES: Final = ("id", "pipeline", "stage", "action", "execution")
"""The parts of the addresses: an id, or the four others."""


def find_waiting(console: Console, names: Mapping[str, str]) -> AnyApproval:
    """Return what waits. Raises PageNotFoundError if it waits no longer, or never did."""
    if request_id := names.get("id"):
        return _find_request(console, request_id)
    pipeline, stage, action = names["pipeline"], names["stage"], names["action"]
    choice = ApprovalChoice(pipeline, stage, action, names["execution"])
    try:
        waiting = list_approvals(console.target.client("codepipeline"), pipeline, names["execution"])
    except ClientError as error:
        if error_code(error) not in _MISSING:
            raise
        raise PageNotFoundError(
            f"pipeline {pipeline} has no execution {names['execution']} in {console.target}"
        ) from error
    found = next((each for each in waiting if choice.matches(each)), None)
    if found is None:
        raise PageNotFoundError(
            f"{stage} / {action} of pipeline {pipeline} does not wait for an approval of this execution: "
            "it was answered, or stopped"
        )
    return found


def _find_request(console: Console, request_id: str) -> AnyApproval:
    choice = ApprovalChoice(request_id)
    if choice.request_id is None:
        raise PageNotFoundError(f"{request_id} is not the id of a request for approval")
    try:
        return find_approval(console.target, choice)
    except UsageError as error:
        raise PageNotFoundError(error.message) from error


def open_approval(console: Console, query: Query) -> Read:
    names = {name: query.path[name] for name in _NAMES if query.path.get(name)}
    if "id" not in names and len(names) < len(_NAMES) - 1:
        raise PageNotFoundError("this address names no approval")
    return _ApprovalReader(console, names)


class _ApprovalReader:
    """Reads the document; when the approval waits no longer, it stays as it was."""

    def __init__(self, console: Console, names: Mapping[str, str]) -> None:
        self._console = console
        self._names = names
        self._known: Document | None = None

    def __call__(self) -> Document:
        try:
            approval = find_waiting(self._console, self._names)
        except PageNotFoundError:
            if self._known is None:
                raise
            self._known |= {"isLive": False, "waits": False}
            return dict(self._known)
        if self._known is None or not self._known["waits"]:
            self._known = self._document(approval)
        return dict(self._known)

    def _document(self, approval: AnyApproval) -> Document:
        pipeline, execution_id = approval.pipeline, approval.execution_id
        is_request = isinstance(approval, WorkflowApproval)
        return {
            "title": f"Approve or reject {approval.title}",
            "isLive": True,
            "waits": True,
            "subject": approval.title,
            "pipeline": pipeline or None,
            "stage": approval.stage or None,
            "action": approval.action or None,
            "executionId": execution_id or None,
            "executionAddress": pipeline_execution_address(pipeline, execution_id)
            if pipeline and execution_id
            else None,
            **(_request(approval) if isinstance(approval, WorkflowApproval) else _NO_REQUEST),
            **(self._manual(approval) if isinstance(approval, Approval) else _NO_MANUAL),
            "fields": dict(self._names),
            "mayAnswer": self._console.allows_actions,
            "command": " ".join([approval.options, *self._console.target.command_options]),
            "maxReasonCharacters": MAX_COMMENT_CHARACTERS,
            "needsIdentity": is_request,
            "obstacle": None,
            "error": None,
        }

    def _manual(self, approval: Approval) -> dict[str, Any]:
        definition = find_pipeline(self._console.target, approval.pipeline)
        codepipeline = self._console.target.client("codepipeline")
        summary = read_execution(codepipeline, approval.pipeline, approval.execution_id)
        (revisions,) = self._console.keep(RevisionReader).read(definition, [summary])
        configuration = _configuration(definition, approval)
        return {
            "revisions": [revision_members(each) for each in revisions],
            "information": redact_optional(configuration.get("CustomData")),
            "reviewLink": web_link(configuration.get("ExternalEntityLink"), self._console.target),
        }


_NO_MANUAL: Final[Mapping[str, Any]] = {"revisions": [], "information": None, "reviewLink": None}
_NO_REQUEST: Final[Mapping[str, Any]] = {
    "id": None,
    "workflow": None,
    "workflowAddress": None,
    "revision": None,
    "requester": None,
    "restriction": None,
    "requested": None,
    "expires": None,
    "resources": [],
    "omittedResources": 0,
    "waves": [],
}


def _configuration(definition: PipelineDefinition, approval: Approval) -> Mapping[str, str]:
    stages = (stage for stage in definition.stages if stage.name == approval.stage)
    actions = (action for stage in stages for action in stage.actions if action.name == approval.action)
    return next((action.configuration for action in actions), {})


def _request(approval: WorkflowApproval) -> dict[str, Any]:
    change = approval if isinstance(approval, ChangeApproval) else None
    return {
        "id": approval.id,
        "workflow": approval.execution_arn,
        "workflowAddress": execution_address(approval.execution_arn),
        "revision": approval.revision or None,
        "requester": approval.requester or None,
        "restriction": _restriction(approval),
        "requested": iso_time(approval.requested_at),
        "expires": iso_time(approval.expires_at),
        "resources": redact_json(
            [
                {"path": each.path, "type": each.type, "effect": each.effect, "causes": list(each.causes)}
                for each in (change.resources if change else ())
            ]
        ),
        "omittedResources": change.omitted if change else 0,
        "waves": _waves(approval) if isinstance(approval, WaveApproval) else [],
    }


def _restriction(approval: WorkflowApproval) -> str | None:
    """Say who cannot approve it."""
    if not approval.not_by_requester:
        return None
    if approval.requester:
        return f"{approval.requester} cannot approve it."
    return f"Who started the pipeline execution cannot approve it. {NOBODY_CAN_APPROVE}"


def _waves(approval: WaveApproval) -> list[dict[str, Any]]:
    return [
        {
            "title": f"What {approval.finished_wave} did",
            "targets": list(approval.finished),
            "omitted": approval.omitted_finished,
        },
        {
            "title": f"What {approval.wave} would deploy",
            "targets": list(approval.following),
            "omitted": approval.omitted_following,
        },
    ]


PAGES = (
    Page("/approvals/{id}", "approval.html", open_approval),
    Page("/approvals/{pipeline}/{stage}/{action}/{execution}", "approval.html", open_approval),
)
