"""AWS Step Functions, served locally."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, MutableMapping, Sequence
from typing import Any, ClassVar, TypeVar

from stepline.localaws.context import Context
from stepline.localaws.events import AwsEvent
from stepline.localaws.protocol import JsonService, Params, ValidationException, page
from stepline.localaws.stepfunctions import errors, responses
from stepline.localaws.stepfunctions.activities import Activities
from stepline.localaws.stepfunctions.definition import find_diagnostics
from stepline.localaws.stepfunctions.execution_logs import check_destination
from stepline.localaws.stepfunctions.executions import Executions
from stepline.localaws.stepfunctions.interpreter import Interpreter, TaskClients
from stepline.localaws.stepfunctions.map_runs import MapRun
from stepline.localaws.stepfunctions.models import Execution, Machine, MachineType
from stepline.localaws.stepfunctions.names import split_qualifier
from stepline.localaws.stepfunctions.settings import DEFAULT_MAX_DIAGNOSTICS, DEFAULT_PAGE_SIZE
from stepline.localaws.stepfunctions.store import MachineStore
from stepline.localaws.stepfunctions.validation import check_arn, check_logging, check_output, check_tags
from stepline.localaws.stepfunctions.versions import Versions

_CLOSED_JOBS = frozenset({"SUCCEEDED", "FAILED"})
_Item = TypeVar("_Item")


class StepFunctions(JsonService):
    """Step Functions on an interpreter of the Amazon States Language.

    `task_clients("lambda")` returns the client that Task states call Lambda with, under the machine's role
    (`acting_as`). `trace` is called with the machine of each execution that starts. `authorize_log` is called
    with a role and "Create" or "Update", and raises AccessDeniedException unless it may deliver a log.
    `state_machines` maps ARNs to records in the API's shape and may belong to another service: it is read at
    each call.
    Under `VirtualClock` executions move only when the clock is moved.

    Not served: TestState.
    """

    service_name: ClassVar[str] = "stepfunctions"

    def __init__(
        self,
        context: Context,
        *,
        interpreter: Interpreter,
        task_clients: TaskClients,
        trace: Callable[[Machine], None] = lambda _machine: None,
        authorize_log: Callable[[str, str], None] = lambda _role_arn, _operation: None,
        state_machines: MutableMapping[str, dict[str, Any]] | None = None,
    ) -> None:
        self._interpreter = interpreter
        self._task_clients = task_clients
        self._authorize_log = authorize_log
        records = {} if state_machines is None else state_machines
        self._machines = MachineStore(records, context, interpreter, self._check_log)
        self._versions = Versions(context)
        self._activities = Activities(context)
        self._executions = Executions(
            context,
            interpreter=interpreter,
            task_clients=task_clients,
            trace=trace,
            activities=self._activities,
        )

    def close(self) -> None:
        """End the threads of all running executions."""
        self._executions.close()

    def on_event(self, event: AwsEvent) -> None:
        """Let the task that waits for a job of AWS Batch continue when an event reports the job's end."""
        if event.source == "aws.batch" and event.detail.get("status") in _CLOSED_JOBS:
            self._executions.notify(event.resources)

    def create_state_machine(self, params: Params) -> Params:
        machine = self._machines.create(params)
        return {
            "stateMachineArn": machine.arn,
            "creationDate": machine.creation_date,
            **self._publish_if_asked(machine, params),
        }

    def update_state_machine(self, params: Params) -> Params:
        machine = self._machines.update(params)
        return {
            "updateDate": machine.update_date,
            "revisionId": machine.revision_id,
            **self._publish_if_asked(machine, params),
        }

    def delete_state_machine(self, params: Params) -> None:
        arn = params["stateMachineArn"]
        self._machines.delete(arn)
        self._versions.delete_all(arn)
        self._executions.delete(arn)

    def describe_state_machine(self, params: Params) -> Params:
        machine = self._machine(params["stateMachineArn"])
        version = machine.version_arn and self._versions.find_version(machine.version_arn)
        description = responses.machine_description(machine, version or None)
        return _without_data(description, params, "definition")

    def publish_state_machine_version(self, params: Params) -> Params:
        version = self._versions.publish(
            self._machines.get(params["stateMachineArn"]),
            revision_id=params.get("revisionId"),
            description=params.get("description"),
        )
        return {"creationDate": version.creation_date, "stateMachineVersionArn": version.arn}

    def list_state_machine_versions(self, params: Params) -> Params:
        arn = check_arn(params["stateMachineArn"], "stateMachine")
        versions = self._versions.list_versions(arn)
        items, token = _page(versions, params, key=lambda version: version.arn, scope=f"versions {arn}")
        return {"stateMachineVersions": list(map(responses.version_item, items)), "nextToken": token}

    def delete_state_machine_version(self, params: Params) -> None:
        self._versions.delete_version(params["stateMachineVersionArn"])

    def create_state_machine_alias(self, params: Params) -> Params:
        alias = self._versions.create_alias(params)
        return {"stateMachineAliasArn": alias.arn, "creationDate": alias.creation_date}

    def update_state_machine_alias(self, params: Params) -> Params:
        return {"updateDate": self._versions.update_alias(params).update_date}

    def describe_state_machine_alias(self, params: Params) -> Params:
        return responses.alias_description(self._versions.alias(params["stateMachineAliasArn"]))

    def list_state_machine_aliases(self, params: Params) -> Params:
        arn = check_arn(params["stateMachineArn"], "stateMachine")
        machine_arn, qualifier = split_qualifier(arn)
        self._machines.get(machine_arn)
        aliases = self._versions.list_aliases(machine_arn, arn if qualifier else None)
        items, token = _page(aliases, params, key=lambda alias: alias.arn, scope=f"aliases {arn}")
        return {"stateMachineAliases": list(map(responses.alias_item, items)), "nextToken": token}

    def delete_state_machine_alias(self, params: Params) -> None:
        self._versions.delete_alias(params["stateMachineAliasArn"])

    def list_state_machines(self, params: Params) -> Params:
        items, token = _page(self._machines.list(), params, key=lambda machine: machine.arn, scope="machines")
        return {"stateMachines": list(map(responses.machine_item, items)), "nextToken": token}

    def tag_resource(self, params: Params) -> None:
        self._machines.tag(params["resourceArn"], params["tags"])

    def untag_resource(self, params: Params) -> None:
        self._machines.untag(params["resourceArn"], params["tagKeys"])

    def list_tags_for_resource(self, params: Params) -> Params:
        return {"tags": self._machines.tags(params["resourceArn"])}

    def validate_state_machine_definition(self, params: Params) -> Params:
        machine_type = MachineType(params.get("type", MachineType.STANDARD))
        found = find_diagnostics(params["definition"], machine_type, self._interpreter)
        limit = params.get("maxResults") or DEFAULT_MAX_DIAGNOSTICS
        failed = [item for item in found if item.severity == "ERROR"]
        shown = found if params.get("severity") == "WARNING" else failed
        return {
            "result": "FAIL" if failed else "OK",
            "diagnostics": list(map(responses.diagnostic_item, shown[:limit])),
            "truncated": len(shown) > limit,
        }

    def start_execution(self, params: Params) -> Params:
        execution = self._executions.start(
            self._machine(params["stateMachineArn"]), **_start_parameters(params)
        )
        return {"executionArn": execution.arn, "startDate": execution.start_date}

    def start_sync_execution(self, params: Params) -> Params:
        execution = self._executions.run_synchronously(
            self._machine(params["stateMachineArn"]), **_start_parameters(params)
        )
        return _without_data(responses.sync_execution(execution), params, "input", "output")

    def stop_execution(self, params: Params) -> Params:
        execution = self._execution(params)
        execution.close("ExecutionAborted", error=params.get("error"), cause=params.get("cause"))
        return {"stopDate": execution.stop_date}

    def describe_execution(self, params: Params) -> Params:
        execution = self._execution(params)
        reason = self._executions.reason_not_redrivable(execution)
        return _without_data(responses.execution_description(execution, reason), params, "input", "output")

    def list_executions(self, params: Params) -> Params:
        if "mapRunArn" in params:
            return self._list_child_executions(params)
        if "stateMachineArn" not in params:
            raise ValidationException("Must provide either a State Machine ARN or a Map Run ARN")
        arn = params["stateMachineArn"]
        machine = self._machine(arn)
        if machine.type is MachineType.EXPRESS:
            raise errors.StateMachineTypeNotSupported
        status = params.get("statusFilter")
        redriven = params.get("redriveFilter")
        executions = [
            item
            for item in self._executions.list(machine.arn)
            if arn in {item.machine.arn, item.machine.version_arn, item.machine.alias_arn}
            and status in {None, item.status.value}
            and redriven in {None, "REDRIVEN" if item.redrive_count else "NOT_REDRIVEN"}
        ]
        scope = f"{arn} {status} {redriven}"
        items, token = _page(executions, params, key=lambda execution: execution.arn, scope=scope)
        return {"executions": list(map(responses.execution_item, items)), "nextToken": token}

    def list_map_runs(self, params: Params) -> Params:
        execution = self._execution(params)
        runs = execution.map_runs[::-1]
        items, token = _page(runs, params, key=lambda run: run.arn, scope=f"map runs {execution.arn}")
        return {"mapRuns": [run.item() for run in items], "nextToken": token}

    def describe_map_run(self, params: Params) -> Params:
        return self._map_run(params).description()

    def update_map_run(self, params: Params) -> None:
        self._map_run(params).update(params)

    def get_execution_history(self, params: Params) -> Params:
        execution = self._execution(params)
        newest_first = params.get("reverseOrder", False)
        history = execution.events()[:: -1 if newest_first else 1]
        events: Iterable[Mapping[str, Any]]
        events, token = _page(
            history,
            params,
            key=lambda event: str(event["id"]),
            scope=f"{execution.arn} {newest_first}",
            index_of=lambda key: len(history) - int(key) if newest_first else int(key) - 1,
        )
        if not params.get("includeExecutionData", True):
            events = map(responses.without_execution_data, events)
        return {"events": list(events), "nextToken": token}

    def describe_state_machine_for_execution(self, params: Params) -> Params:
        machine = self._execution(params).machine
        return _without_data(responses.machine_of_execution(machine), params, "definition")

    def redrive_execution(self, params: Params) -> Params:
        arn = check_arn(params["executionArn"], "execution")
        execution = self._executions.redrive(arn, token=params.get("clientToken"))
        return {"redriveDate": execution.redrive_date}

    def create_activity(self, params: Params) -> Params:
        check_tags(params.get("tags", ()))
        activity = self._activities.create(params["name"])
        return {"activityArn": activity.arn, "creationDate": activity.creation_date}

    def delete_activity(self, params: Params) -> None:
        self._activities.delete(params["activityArn"])

    def describe_activity(self, params: Params) -> Params:
        activity = self._activities.get(params["activityArn"])
        return {**responses.activity_item(activity), "encryptionConfiguration": {"type": "AWS_OWNED_KEY"}}

    def list_activities(self, params: Params) -> Params:
        found = self._activities.list()
        items, token = _page(found, params, key=lambda activity: activity.arn, scope="activities")
        return {"activities": list(map(responses.activity_item, items)), "nextToken": token}

    def get_activity_task(self, params: Params) -> Params:
        worker = params.get("workerName")
        return self._activities.next_task(
            params["activityArn"], start=lambda token: self._executions.start_activity_task(token, worker)
        )

    def send_task_success(self, params: Params) -> None:
        self._executions.succeed_task(params["taskToken"], check_output(params["output"]))

    def send_task_failure(self, params: Params) -> None:
        self._executions.fail_task(params["taskToken"], params.get("error"), params.get("cause"))

    def send_task_heartbeat(self, params: Params) -> None:
        self._executions.task_heartbeat(params["taskToken"])

    def _publish_if_asked(self, machine: Machine, params: Params) -> Params:
        if not params.get("publish"):
            return {}
        description = params.get("versionDescription")
        version = self._versions.publish(machine, revision_id=None, description=description)
        return {"stateMachineVersionArn": version.arn}

    def _machine(self, arn: str) -> Machine:
        """Return the machine of an ARN, or of that of a version or alias. Raises StateMachineDoesNotExist."""
        check_arn(arn, "stateMachine")
        return self._versions.find_machine(arn) or self._machines.get(arn)

    def _check_log(self, configuration: Mapping[str, Any], role_arn: str, operation: str) -> None:
        check_logging(configuration)
        if configuration.get("level", "OFF") != "OFF":
            self._authorize_log(role_arn, operation)
            check_destination(self._task_clients("logs"), configuration)

    def _map_run(self, params: Params) -> MapRun:
        return self._executions.map_run(check_arn(params["mapRunArn"], "mapRun"))

    def _list_child_executions(self, params: Params) -> Params:
        run = self._map_run(params)
        status = params.get("statusFilter")
        found = [child for child in run.child_items() if status in {None, child["status"]}]
        scope = f"children {run.arn} {status}"
        items, token = _page(found, params, key=lambda child: str(child["executionArn"]), scope=scope)
        return {"executions": items, "nextToken": token}

    def _execution(self, params: Params) -> Execution:
        return self._executions.get(check_arn(params["executionArn"], "execution"))


def _start_parameters(params: Params) -> dict[str, Any]:
    return {
        "name": params.get("name"),
        "text": params.get("input", "{}"),
        "trace_header": params.get("traceHeader"),
    }


def _page(
    items: Sequence[_Item],
    params: Params,
    *,
    key: Callable[[_Item], str],
    scope: str,
    index_of: Callable[[str], int] | None = None,
) -> tuple[list[_Item], str | None]:
    return page(
        items,
        key=key,
        scope=scope,
        limit=params.get("maxResults") or DEFAULT_PAGE_SIZE,
        token=params.get("nextToken"),
        invalid_token=errors.InvalidToken(),
        index_of=index_of,
    )


def _without_data(response: Params, params: Params, *names: str) -> Params:
    """Leave out what may be encrypted if the request says `includedData: METADATA_ONLY`."""
    if params.get("includedData") != "METADATA_ONLY":
        return response
    return {key: value for key, value in response.items() if key not in names}
