"""CodePipeline: each method is one operation of the API, named as in boto3."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar

from stepline.core import strict_json
from stepline.core.failure_types import FailureType
from stepline.localaws.codepipeline import custom_action_types, responses
from stepline.localaws.codepipeline.actions.s3_source import S3Source
from stepline.localaws.codepipeline.approvals import Approvals
from stepline.localaws.codepipeline.artifacts import role_actor
from stepline.localaws.codepipeline.change_detection import ChangeDetection
from stepline.localaws.codepipeline.clients import ServiceClients
from stepline.localaws.codepipeline.custom_action_type_store import ACTION_TYPE_PREFIX, CustomActionTypes
from stepline.localaws.codepipeline.declarations import ActionType, PipelineDeclaration
from stepline.localaws.codepipeline.errors import (
    ActionNotFoundException,
    InvalidNextTokenException,
    InvalidStructureException,
    ResourceNotFoundException,
    StageNotFoundException,
)
from stepline.localaws.codepipeline.execution_requests import ExecutionRequests, StartRequest
from stepline.localaws.codepipeline.job_workers import JobWorkers
from stepline.localaws.codepipeline.models import (
    ActionExecution,
    Pipeline,
    PipelineExecution,
    RetryMode,
    StageStatus,
    StopRequest,
    Trigger,
    TriggerType,
)
from stepline.localaws.codepipeline.providers import ActionProviders
from stepline.localaws.codepipeline.results import ErrorDetails
from stepline.localaws.codepipeline.runtime import Runtime
from stepline.localaws.codepipeline.settings import Settings
from stepline.localaws.codepipeline.source_changes import SourceChange, SourceKind
from stepline.localaws.codepipeline.sources import Source
from stepline.localaws.codepipeline.store import PipelineStore
from stepline.localaws.codepipeline.validation import check_tags
from stepline.localaws.context import Context
from stepline.localaws.protocol import JsonService, Params, page

Item = TypeVar("Item")

_DEFAULT_PAGE = 100
_DEFAULT_PIPELINES_PAGE = 1000


class CodePipeline(JsonService):
    """The local CodePipeline. `CodePipeline.operations()` lists the operations that it serves.

    `sources`: provider name ("CodeCommit") -> source; S3 is always one of them.
    """

    service_name = "codepipeline"

    def __init__(
        self,
        context: Context,
        *,
        clients: ServiceClients,
        sources: Mapping[str, Source] | None = None,
        settings: Settings | None = None,
    ) -> None:
        all_sources = {"S3": S3Source(clients.s3, region=context.region), **(sources or {})}
        self._runtime = Runtime(context, settings or Settings())
        self._providers = ActionProviders(self._runtime, clients, all_sources)
        self._flow = self._providers.flow
        self._jobs = self._providers.jobs
        self._types = self._providers.types
        self._approvals = Approvals(self._runtime, self._flow)
        self._store = PipelineStore(self._runtime, types=self._types)
        self._custom_types = CustomActionTypes(self._types)
        self._workers = JobWorkers(self._runtime, self._providers, self._custom_types, clients)
        self._can_assume = clients.can_assume
        self._requests = ExecutionRequests(self._runtime, self._flow, self._store, self._types)
        self._changes = ChangeDetection(self._runtime, self._store, self._requests, self._types)

    def start_from_event(self, pipeline_arn: str, *, rule_arn: str, event: str = "{}") -> str:
        """Start a pipeline as EventBridge does for a rule's target, and return the execution's id.

        `event` is the event, or the JSON text of the target's Input or InputTransformer, which can have the
        members `variables` and `sourceRevisions` of StartPipelineExecution
        (https://docs.aws.amazon.com/codepipeline/latest/userguide/tutorials-pipeline-variables.html). Raises
        AwsError, as StartPipelineExecution does.
        """
        given = strict_json.loads(event)
        with self._runtime.transaction():
            name = self._store.by_arn(pipeline_arn).name
            trigger = Trigger(type=TriggerType.CLOUD_WATCH_EVENT, detail=rule_arn)
            return self._requests.start(
                name, _start_request(trigger, given if isinstance(given, dict) else {})
            )

    def source_changed(self, change: SourceChange) -> list[str]:
        """Start the pipelines that detect the change themselves, and return their names."""
        return self._changes.changed(change)

    def started_by(self, change: SourceChange) -> list[str]:
        """Return the names of the pipelines that `source_changed` would start."""
        return [start.pipeline_name for start in self._changes.starts(change)]

    def object_written(self, bucket: str, key: str) -> None:
        """Start the pipelines that poll this object, in the background."""
        change = SourceChange(kind=SourceKind.S3, name=bucket, reference=key)
        if self._changes.starts(change):
            self._runtime.later(0, partial(self._start_changed, change))

    def _start_changed(self, change: SourceChange) -> None:
        self._changes.changed(change)

    def close(self) -> None:
        """Do no scheduled work and send no events from now on."""
        self._runtime.close()

    # --- pipelines --------------------------------------------------------------------------------

    def create_pipeline(self, params: Params) -> Params:
        tags = _tags(params.get("tags", ()))
        self._check_roles(params["pipeline"])
        with self._runtime.transaction():
            pipeline = self._store.create(params["pipeline"], tags)
            if self._runtime.settings.start_on_create and _can_start(pipeline):
                self._requests.start(
                    pipeline.name, StartRequest(trigger=self._trigger(TriggerType.CREATE_PIPELINE))
                )
            return {"pipeline": pipeline.declaration.document, "tags": _tag_list(pipeline.tags)}

    def update_pipeline(self, params: Params) -> Params:
        self._check_roles(params["pipeline"])
        with self._runtime.transaction():
            pipeline = self._store.update(params["pipeline"])
            self._flow.cancel_outdated(pipeline)
            return {"pipeline": pipeline.declaration.document}

    def delete_pipeline(self, params: Params) -> None:
        with self._runtime.transaction():
            if pipeline := self._store.delete(params["name"]):
                self._flow.discard(pipeline)

    def get_pipeline(self, params: Params) -> Params:
        with self._runtime.transaction():
            pipeline = self._store.get(params["name"])
            declaration = self._store.version(params["name"], params.get("version"))
            metadata = {"pipelineArn": pipeline.arn, "created": pipeline.created, "updated": pipeline.updated}
            return {"pipeline": declaration.document, "metadata": metadata}

    def list_pipelines(self, params: Params) -> Params:
        with self._runtime.transaction():
            chosen, token = _page(
                self._store.all(),
                lambda pipeline: pipeline.name,
                params,
                default_limit=_DEFAULT_PIPELINES_PAGE,
            )
            return {"pipelines": [responses.pipeline_summary(item) for item in chosen], "nextToken": token}

    def get_pipeline_state(self, params: Params) -> Params:
        with self._runtime.transaction():
            return responses.pipeline_state(
                self._store.get(params["name"]), self._runtime.region, self._types
            )

    # --- action types -----------------------------------------------------------------------------

    def create_custom_action_type(self, params: Params) -> Params:
        definition = custom_action_types.parse(params)
        tags = _tags(params.get("tags", ()))
        with self._runtime.transaction():
            self._custom_types.create(definition, tags)
        return {"actionType": definition.created_document(), "tags": _tag_list(tags)}

    def delete_custom_action_type(self, params: Params) -> None:
        with self._runtime.transaction():
            self._custom_types.delete(ActionType(owner=custom_action_types.CUSTOM, **params))

    def list_action_types(self, params: Params) -> Params:
        """Custom types are those of one region; all regions have AWS's."""
        owner = params.get("actionOwnerFilter")
        elsewhere = params.get("regionFilter", self._runtime.region) != self._runtime.region
        with self._runtime.transaction():
            chosen, token = _page(
                [
                    item.document()
                    for item in self._types.available()
                    if owner in {None, item.type.owner}
                    and not (elsewhere and item.type.owner == custom_action_types.CUSTOM)
                ],
                lambda document: "/".join(document["id"].values()),
                params,
            )
            return {"actionTypes": chosen, "nextToken": token}

    # --- tags -------------------------------------------------------------------------------------

    def tag_resource(self, params: Params) -> None:
        with self._runtime.transaction():
            tags = self._tags_of(params["resourceArn"])
            check_tags({**tags, **_tags(params["tags"])})
            tags.update(_tags(params["tags"]))

    def untag_resource(self, params: Params) -> None:
        with self._runtime.transaction():
            tags = self._tags_of(params["resourceArn"])
            for key in params["tagKeys"]:
                tags.pop(key, None)

    def list_tags_for_resource(self, params: Params) -> Params:
        with self._runtime.transaction():
            tags = self._tags_of(params["resourceArn"])
            chosen, token = _page(_tag_list(tags), lambda tag: tag["key"], params)
            return {"tags": chosen, "nextToken": token}

    def _tags_of(self, arn: str) -> dict[str, str]:
        """Return the tags of a pipeline or a custom action type. Raises AwsError."""
        name = self._store.name_in(arn)
        if name.startswith(ACTION_TYPE_PREFIX):
            tags = self._custom_types.tags_of(name.removeprefix(ACTION_TYPE_PREFIX))
            if tags is None:
                raise ResourceNotFoundException(f"The resource {arn} was not found")
            return tags
        return self._store.by_arn(arn).tags

    # --- executions -------------------------------------------------------------------------------

    def start_pipeline_execution(self, params: Params) -> Params:
        request = _start_request(self._trigger(TriggerType.START_PIPELINE_EXECUTION), params)
        return {"pipelineExecutionId": self._requests.start(params["name"], request)}

    def stop_pipeline_execution(self, params: Params) -> Params:
        request = StopRequest(abandon=params.get("abandon", False), reason=params.get("reason"))
        self._requests.stop(params["pipelineName"], params["pipelineExecutionId"], request)
        return {"pipelineExecutionId": params["pipelineExecutionId"]}

    def retry_stage_execution(self, params: Params) -> Params:
        self._requests.retry(
            params["pipelineName"],
            params["stageName"],
            params["pipelineExecutionId"],
            RetryMode(params["retryMode"]),
        )
        return {"pipelineExecutionId": params["pipelineExecutionId"]}

    def get_pipeline_execution(self, params: Params) -> Params:
        with self._runtime.transaction():
            execution = self._store.execution(params["pipelineName"], params["pipelineExecutionId"])
            return {"pipelineExecution": responses.pipeline_execution(execution)}

    def list_pipeline_executions(self, params: Params) -> Params:
        """Newest first."""
        stage_name = params.get("filter", {}).get("succeededInStage", {}).get("stageName")
        with self._runtime.transaction():
            executions = list(self._store.get(params["pipelineName"]).executions.values())[::-1]
            chosen, token = _page(
                [item for item in executions if stage_name is None or _succeeded_in(item, stage_name)],
                lambda execution: execution.id,
                params,
            )
            summaries = [responses.execution_summary(execution) for execution in chosen]
            return {"pipelineExecutionSummaries": summaries, "nextToken": token}

    def list_action_executions(self, params: Params) -> Params:
        """Newest first."""
        with self._runtime.transaction():
            chosen, token = _page(
                self._actions(params["pipelineName"], params.get("filter", {})),
                lambda action: action.id,
                params,
            )
            details = [
                responses.action_execution(action, self._runtime.region, self._types) for action in chosen
            ]
            return {"actionExecutionDetails": details, "nextToken": token}

    def enable_stage_transition(self, params: Params) -> None:
        self._requests.enable_transition(
            params["pipelineName"], params["stageName"], params["transitionType"]
        )

    def disable_stage_transition(self, params: Params) -> None:
        self._requests.disable_transition(
            params["pipelineName"], params["stageName"], params["transitionType"], params["reason"]
        )

    # --- jobs and approvals -----------------------------------------------------------------------

    def get_job_details(self, params: Params) -> Params:
        return {"jobDetails": self._workers.details(params["jobId"])}

    def poll_for_jobs(self, params: Params) -> Params:
        return {"jobs": self._workers.poll(params)}

    def acknowledge_job(self, params: Params) -> Params:
        with self._runtime.transaction():
            return {"status": self._providers.queue.acknowledge(params["jobId"], params["nonce"]).value}

    def put_job_success_result(self, params: Params) -> None:
        self._jobs.put_success(params["jobId"], params)

    def put_job_failure_result(self, params: Params) -> None:
        details = params["failureDetails"]
        error = ErrorDetails(code=FailureType(details["type"]), message=details["message"])
        self._jobs.put_failure(params["jobId"], error, details.get("externalExecutionId"))

    def put_approval_result(self, params: Params) -> Params:
        with self._runtime.transaction():
            self._check_action(params["pipelineName"], params["stageName"], params["actionName"])
            actions = [
                action
                for action in self._actions(params["pipelineName"], {})
                if (action.stage.name, action.declaration.name) == (params["stageName"], params["actionName"])
            ]
            result = params["result"]
            self._approvals.put_result(
                actions, token=params["token"], status=result["status"], summary=result["summary"]
            )
            return {"approvedAt": self._runtime.now()}

    # --- helpers ----------------------------------------------------------------------------------

    def _check_roles(self, document: Mapping[str, Any]) -> None:
        """Raise InvalidStructureException if a role cannot be assumed, outside of transactions."""
        declaration = PipelineDeclaration.parse(document, version=1)
        actions = [action for stage in declaration.stages for action in stage.actions]
        for own_role in dict.fromkeys([None, *(action.role_arn for action in actions)]):
            actor = role_actor(declaration, own_role)
            if not self._can_assume(actor):
                raise InvalidStructureException(
                    f"{actor.via or 'CodePipeline'} is not authorized to perform AssumeRole on role "
                    f"{actor.role_arn}"
                )

    def _trigger(self, trigger_type: TriggerType) -> Trigger:
        return Trigger(type=trigger_type, detail=self._runtime.caller_arn)

    def _actions(self, pipeline_name: str, chosen: Mapping[str, Any]) -> list[ActionExecution]:
        latest = chosen.get("latestInPipelineExecution", {})
        execution_id = chosen.get("pipelineExecutionId") or latest.get("pipelineExecutionId")
        if execution_id is None:
            executions = list(self._store.get(pipeline_name).executions.values())
        else:
            executions = [self._store.execution(pipeline_name, execution_id)]
        actions = [action for execution in executions for action in execution.history]
        if latest.get("startTimeRange") == "Latest":
            actions = list({(item.stage.name, item.declaration.name): item for item in actions}.values())
        return sorted(actions, key=lambda action: action.started_at)[::-1]

    def _check_action(self, pipeline_name: str, stage_name: str, action_name: str) -> None:
        declaration = self._store.get(pipeline_name).declaration
        stage = declaration.stage(stage_name)
        if stage is None:
            raise StageNotFoundException(f"The stage '{stage_name}' was not found")
        if action_name not in {action.name for action in stage.actions}:
            raise ActionNotFoundException(f"The action '{action_name}' was not found")


def _start_request(trigger: Trigger, params: Params) -> StartRequest:
    overrides: dict[str, dict[str, str]] = {}
    for item in params.get("sourceRevisions", ()):
        overrides.setdefault(item["actionName"], {})[item["revisionType"]] = item["revisionValue"]
    return StartRequest(
        trigger=trigger,
        variables={item["name"]: item["value"] for item in params.get("variables", ())},
        overrides=overrides,
        client_request_token=params.get("clientRequestToken"),
    )


def _page(
    items: Sequence[Item], key: Callable[[Item], str], params: Params, *, default_limit: int = _DEFAULT_PAGE
) -> tuple[list[Item], str | None]:
    return page(
        items,
        key=key,
        token=params.get("nextToken"),
        limit=params.get("maxResults", default_limit),
        invalid_token=InvalidNextTokenException("The next token was specified in an invalid format"),
    )


def _can_start(pipeline: Pipeline) -> bool:
    """Whether every variable of the pipeline has a default value."""
    return None not in pipeline.declaration.variables.values()


def _succeeded_in(execution: PipelineExecution, stage_name: str) -> bool:
    stage = execution.stages.get(stage_name)
    return stage is not None and stage.status is StageStatus.SUCCEEDED


def _tags(tags: Any) -> dict[str, str]:
    return {tag["key"]: tag["value"] for tag in tags}


def _tag_list(tags: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"key": key, "value": value} for key, value in sorted(tags.items())]
