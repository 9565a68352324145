"""CodePipeline's API: each method is one operation, named as in boto3."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stepline.localaws.clock import Clock
from stepline.localaws.codepipeline import views
from stepline.localaws.codepipeline.action_types import DEFINITIONS
from stepline.localaws.codepipeline.clients import Clients
from stepline.localaws.codepipeline.control import Control, StartRequest
from stepline.localaws.codepipeline.core import Core
from stepline.localaws.codepipeline.engine import Engine
from stepline.localaws.codepipeline.errors import (
    ActionNotFoundException,
    InvalidNextTokenException,
    StageNotFoundException,
)
from stepline.localaws.codepipeline.jobs import success_result
from stepline.localaws.codepipeline.models import (
    ErrorDetails,
    FailureType,
    RetryMode,
    StageStatus,
    Trigger,
    TriggerType,
)
from stepline.localaws.codepipeline.registry import Registry
from stepline.localaws.codepipeline.settings import Settings
from stepline.localaws.codepipeline.sources import S3Source, Source
from stepline.localaws.codepipeline.state import ActionExecution, Pipeline, PipelineExecution, StopRequest
from stepline.localaws.events import EventSink
from stepline.localaws.protocol import JsonService, Params, page

_DEFAULT_PAGE = 100
_DEFAULT_PIPELINES_PAGE = 1000


class CodePipeline(JsonService):
    """The stand-in. `CodePipeline.operations()` lists what it serves.

    `clients`: what it calls itself. `events`: where its events go. `sources`: provider name
    ("CodeCommit") -> source; S3 is there without being given.
    """

    service_name = "codepipeline"

    def __init__(
        self,
        *,
        clock: Clock,
        clients: Clients,
        events: EventSink,
        sources: Mapping[str, Source] | None = None,
        settings: Settings | None = None,
        account_id: str = "000000000000",
        region: str = "us-east-1",
    ) -> None:
        self._core = Core(
            clock=clock,
            events=events,
            settings=settings or Settings(),
            account_id=account_id,
            region=region,
        )
        all_sources = {"S3": S3Source(clients.s3, region=region), **(sources or {})}
        self._engine = Engine(self._core, clients, all_sources)
        self._registry = Registry(self._core, self._engine.flow, source_providers=frozenset(all_sources))
        self._control = Control(self._core, self._engine.flow, self._registry)

    def start_from_event(self, pipeline_arn: str, *, rule_arn: str) -> str:
        """Start a pipeline as EventBridge does when a rule has it as target; answers the execution's id.

        Raises AwsError, like StartPipelineExecution.
        """
        with self._core.transaction():
            name = self._registry.by_arn(pipeline_arn).name
            trigger = Trigger(type=TriggerType.CLOUD_WATCH_EVENT, detail=rule_arn)
            return self._control.start(name, StartRequest(trigger=trigger))

    def close(self) -> None:
        """Stop: nothing that waits will run, and no more events are sent."""
        self._core.close()

    # --- pipelines --------------------------------------------------------------------------------

    def create_pipeline(self, params: Params) -> Params:
        tags = _tags(params.get("tags", ()))
        with self._core.transaction():
            pipeline = self._registry.create(params["pipeline"], tags)
            if self._core.settings.start_on_create and _can_start(pipeline):
                self._control.start(
                    pipeline.name, StartRequest(trigger=self._trigger(TriggerType.CREATE_PIPELINE))
                )
            return {"pipeline": pipeline.declaration.document, "tags": _tag_list(pipeline.tags)}

    def update_pipeline(self, params: Params) -> Params:
        with self._core.transaction():
            return {"pipeline": self._registry.update(params["pipeline"]).declaration.document}

    def delete_pipeline(self, params: Params) -> None:
        with self._core.transaction():
            self._registry.delete(params["name"])

    def get_pipeline(self, params: Params) -> Params:
        with self._core.transaction():
            pipeline = self._registry.get(params["name"])
            declaration = self._registry.version(params["name"], params.get("version"))
            metadata = {"pipelineArn": pipeline.arn, "created": pipeline.created, "updated": pipeline.updated}
            return {"pipeline": declaration.document, "metadata": metadata}

    def list_pipelines(self, params: Params) -> Params:
        with self._core.transaction():
            chosen, token = page(
                self._registry.all(),
                key=lambda pipeline: pipeline.name,
                token=params.get("nextToken"),
                limit=params.get("maxResults", _DEFAULT_PIPELINES_PAGE),
                invalid_token=InvalidNextTokenException("The next token was specified in an invalid format"),
            )
            return {"pipelines": [views.pipeline_summary(item) for item in chosen], "nextToken": token}

    def get_pipeline_state(self, params: Params) -> Params:
        with self._core.transaction():
            return views.pipeline_state(self._registry.get(params["name"]), self._core.region)

    def list_action_types(self, params: Params) -> Params:
        owner = params.get("actionOwnerFilter", "AWS")
        definitions = [item for item in DEFINITIONS.values() if item.type.owner == owner]
        return {"actionTypes": [definition.document() for definition in definitions]}

    # --- tags -------------------------------------------------------------------------------------

    def tag_resource(self, params: Params) -> None:
        with self._core.transaction():
            self._registry.tag(params["resourceArn"], _tags(params["tags"]))

    def untag_resource(self, params: Params) -> None:
        with self._core.transaction():
            self._registry.untag(params["resourceArn"], params["tagKeys"])

    def list_tags_for_resource(self, params: Params) -> Params:
        with self._core.transaction():
            chosen, token = page(
                _tag_list(self._registry.by_arn(params["resourceArn"]).tags),
                key=lambda tag: tag["key"],
                token=params.get("nextToken"),
                limit=params.get("maxResults", _DEFAULT_PAGE),
                invalid_token=InvalidNextTokenException("The next token was specified in an invalid format"),
            )
            return {"tags": chosen, "nextToken": token}

    # --- executions -------------------------------------------------------------------------------

    def start_pipeline_execution(self, params: Params) -> Params:
        overrides: dict[str, dict[str, str]] = {}
        for item in params.get("sourceRevisions", ()):
            overrides.setdefault(item["actionName"], {})[item["revisionType"]] = item["revisionValue"]
        request = StartRequest(
            trigger=self._trigger(TriggerType.START_PIPELINE_EXECUTION),
            variables={item["name"]: item["value"] for item in params.get("variables", ())},
            overrides=overrides,
            client_request_token=params.get("clientRequestToken"),
        )
        return {"pipelineExecutionId": self._control.start(params["name"], request)}

    def stop_pipeline_execution(self, params: Params) -> Params:
        request = StopRequest(abandon=params.get("abandon", False), reason=params.get("reason"))
        self._control.stop(params["pipelineName"], params["pipelineExecutionId"], request)
        return {"pipelineExecutionId": params["pipelineExecutionId"]}

    def retry_stage_execution(self, params: Params) -> Params:
        self._control.retry(
            params["pipelineName"],
            params["stageName"],
            params["pipelineExecutionId"],
            RetryMode(params["retryMode"]),
        )
        return {"pipelineExecutionId": params["pipelineExecutionId"]}

    def get_pipeline_execution(self, params: Params) -> Params:
        with self._core.transaction():
            execution = self._registry.execution(params["pipelineName"], params["pipelineExecutionId"])
            return {"pipelineExecution": views.pipeline_execution(execution)}

    def list_pipeline_executions(self, params: Params) -> Params:
        """Newest first."""
        stage_name = params.get("filter", {}).get("succeededInStage", {}).get("stageName")
        with self._core.transaction():
            executions = list(self._registry.get(params["pipelineName"]).executions.values())[::-1]
            chosen, token = page(
                [item for item in executions if stage_name is None or _succeeded_in(item, stage_name)],
                key=lambda execution: execution.id,
                token=params.get("nextToken"),
                limit=params.get("maxResults", _DEFAULT_PAGE),
                invalid_token=InvalidNextTokenException("The next token was specified in an invalid format"),
            )
            summaries = [views.execution_summary(execution) for execution in chosen]
            return {"pipelineExecutionSummaries": summaries, "nextToken": token}

    def list_action_executions(self, params: Params) -> Params:
        """Newest first."""
        with self._core.transaction():
            chosen, token = page(
                self._actions(params["pipelineName"], params.get("filter", {})),
                key=lambda action: action.id,
                token=params.get("nextToken"),
                limit=params.get("maxResults", _DEFAULT_PAGE),
                invalid_token=InvalidNextTokenException("The next token was specified in an invalid format"),
            )
            details = [views.action_execution(action, self._core.region) for action in chosen]
            return {"actionExecutionDetails": details, "nextToken": token}

    def enable_stage_transition(self, params: Params) -> None:
        self._control.enable_transition(params["pipelineName"], params["stageName"], params["transitionType"])

    def disable_stage_transition(self, params: Params) -> None:
        self._control.disable_transition(
            params["pipelineName"], params["stageName"], params["transitionType"], params["reason"]
        )

    # --- jobs and approvals -----------------------------------------------------------------------

    def get_job_details(self, params: Params) -> Params:
        with self._core.transaction():
            job = self._engine.jobs.get(params["jobId"])
            store = job.action.execution.declaration.store(self._core.region)
            return {"jobDetails": views.job_details(job, store, self._core.account_id)}

    def put_job_success_result(self, params: Params) -> None:
        self._engine.jobs.succeed(params["jobId"], success_result(params, self._core))

    def put_job_failure_result(self, params: Params) -> None:
        details = params["failureDetails"]
        error = ErrorDetails(code=FailureType(details["type"]), message=details["message"])
        self._engine.jobs.fail(params["jobId"], error, details.get("externalExecutionId"))

    def put_approval_result(self, params: Params) -> Params:
        with self._core.transaction():
            self._check_action(params["pipelineName"], params["stageName"], params["actionName"])
            actions = self._actions(params["pipelineName"], {})
            result = params["result"]
            self._engine.approvals.answer(
                actions, token=params["token"], status=result["status"], summary=result["summary"]
            )
            return {"approvedAt": self._core.now()}

    # --- helpers ----------------------------------------------------------------------------------

    def _trigger(self, trigger_type: TriggerType) -> Trigger:
        return Trigger(type=trigger_type, detail=self._core.caller_arn)

    def _actions(self, pipeline_name: str, chosen: Mapping[str, Any]) -> list[ActionExecution]:
        latest = chosen.get("latestInPipelineExecution", {})
        execution_id = chosen.get("pipelineExecutionId") or latest.get("pipelineExecutionId")
        if execution_id is None:
            executions = list(self._registry.get(pipeline_name).executions.values())
        else:
            executions = [self._registry.execution(pipeline_name, execution_id)]
        actions = [action for execution in executions for action in execution.history]
        if latest.get("startTimeRange") == "Latest":
            actions = list({(item.stage.name, item.declaration.name): item for item in actions}.values())
        return sorted(actions, key=lambda action: action.started_at)[::-1]

    def _check_action(self, pipeline_name: str, stage_name: str, action_name: str) -> None:
        declaration = self._registry.get(pipeline_name).declaration
        index = declaration.stage_index(stage_name)
        if index is None:
            raise StageNotFoundException(f"The stage '{stage_name}' was not found")
        if action_name not in {action.name for action in declaration.stages[index].actions}:
            raise ActionNotFoundException(f"The action '{action_name}' was not found")


def _can_start(pipeline: Pipeline) -> bool:
    """A pipeline whose variables lack defaults cannot start by itself."""
    return None not in pipeline.declaration.variables.values()


def _succeeded_in(execution: PipelineExecution, stage_name: str) -> bool:
    stage = execution.stages.get(stage_name)
    return stage is not None and stage.status is StageStatus.SUCCEEDED


def _tags(tags: Any) -> dict[str, str]:
    return {tag["key"]: tag["value"] for tag in tags}


def _tag_list(tags: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"key": key, "value": value} for key, value in sorted(tags.items())]
