"""AWS Step Functions, served locally: the operations and the shapes of their answers."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, MutableMapping
from typing import Any, ClassVar

from stepline.localaws.context import Context
from stepline.localaws.events import AwsEvent
from stepline.localaws.protocol import AwsError, JsonService, Params, page
from stepline.localaws.stepfunctions import answers, errors
from stepline.localaws.stepfunctions.definition import diagnostics
from stepline.localaws.stepfunctions.execution import Machine, MachineType
from stepline.localaws.stepfunctions.executions import MAX_INPUT_BYTES, Executions
from stepline.localaws.stepfunctions.interpreter import Interpreter, TaskClients
from stepline.localaws.stepfunctions.machines import Machines, describe
from stepline.localaws.stepfunctions.names import check_arn

_DEFAULT_PAGE = 100
"""Of ListExecutions, ListStateMachines and GetExecutionHistory; `maxResults` 0 means this too [model]."""

_DEFAULT_DIAGNOSTICS = 100
_ENDS_OF_JOBS = frozenset({"SUCCEEDED", "FAILED"})


class StepFunctions(JsonService):
    """Step Functions on the interpreter of LocalStack and moto.

    `task_clients("lambda")` gives the client that Task states use, with `acting_as` the machine's role
    around each call; `trace` is told of each execution that starts. `state_machines` maps ARNs to
    records in the API's shape and may be another service's own store: it is read at each call.
    Under `VirtualClock` executions move only when the clock is moved.

    Not served: activities, versions and aliases, map runs, TestState.
    """

    service_name: ClassVar[str] = "stepfunctions"

    def __init__(
        self,
        context: Context,
        *,
        interpreter: Interpreter,
        task_clients: TaskClients,
        trace: Callable[[Machine], None] = lambda _machine: None,
        state_machines: MutableMapping[str, dict[str, Any]] | None = None,
    ) -> None:
        self._interpreter = interpreter
        self._machines = Machines(
            {} if state_machines is None else state_machines, context=context, interpreter=interpreter
        )
        self._executions = Executions(
            context, interpreter=interpreter, task_clients=task_clients, trace=trace
        )

    def close(self) -> None:
        """End all running executions."""
        self._executions.close()

    def on_event(self, event: AwsEvent) -> None:
        """Let the task that waits for a job of AWS Batch continue when an event reports the job's end."""
        if event.source == "aws.batch" and event.detail.get("status") in _ENDS_OF_JOBS:
            self._executions.hear(event.resources)

    def create_state_machine(self, params: Params) -> Params:
        return self._machines.create(params)

    def update_state_machine(self, params: Params) -> Params:
        return self._machines.update(params)

    def delete_state_machine(self, params: Params) -> None:
        arn = params["stateMachineArn"]
        self._machines.delete(arn)
        self._executions.forget_machine(arn)

    def describe_state_machine(self, params: Params) -> Params:
        answer = describe(self._machines.record(params["stateMachineArn"]))
        return _without_data(answer, params, "definition")

    def list_state_machines(self, params: Params) -> Params:
        items, token = page(
            self._machines.list(),
            key=lambda item: str(item["stateMachineArn"]),
            scope="machines",
            limit=params.get("maxResults") or _DEFAULT_PAGE,
            token=params.get("nextToken"),
            invalid_token=errors.invalid_token(),
        )
        return {"stateMachines": items, "nextToken": token}

    def tag_resource(self, params: Params) -> None:
        self._machines.tag(params["resourceArn"], params["tags"])

    def untag_resource(self, params: Params) -> None:
        self._machines.untag(params["resourceArn"], params["tagKeys"])

    def list_tags_for_resource(self, params: Params) -> Params:
        return {"tags": self._machines.tags(params["resourceArn"])}

    def validate_state_machine_definition(self, params: Params) -> Params:
        machine_type = MachineType(params.get("type", MachineType.STANDARD))
        found = diagnostics(params["definition"], machine_type, self._interpreter)
        limit = params.get("maxResults") or _DEFAULT_DIAGNOSTICS
        return {
            "result": "FAIL" if found else "OK",
            "diagnostics": [answers.diagnostic(item) for item in found[:limit]],
            "truncated": len(found) > limit,
        }

    def start_execution(self, params: Params) -> Params:
        execution = self._executions.start(
            self._machines.snapshot(params["stateMachineArn"]),
            name=params.get("name"),
            text=params.get("input", "{}"),
            trace_header=params.get("traceHeader"),
        )
        return {"executionArn": execution.arn, "startDate": execution.start_date}

    def start_sync_execution(self, params: Params) -> Params:
        execution = self._executions.run_to_end(
            self._machines.snapshot(params["stateMachineArn"]),
            name=params.get("name"),
            text=params.get("input", "{}"),
            trace_header=params.get("traceHeader"),
        )
        return _without_data(answers.sync_execution(execution), params, "input", "output")

    def stop_execution(self, params: Params) -> Params:
        arn = check_arn(params["executionArn"], "execution")
        execution = self._executions.stop(arn, error=params.get("error"), cause=params.get("cause"))
        return {"stopDate": execution.stop_date}

    def describe_execution(self, params: Params) -> Params:
        execution = self._executions.get(check_arn(params["executionArn"], "execution"))
        answer = answers.execution(execution, self._executions.reason_not_to_redrive(execution))
        return _without_data(answer, params, "input", "output")

    def list_executions(self, params: Params) -> Params:
        if "stateMachineArn" not in params:
            raise AwsError("stateMachineArn is required: map runs are not served", code="ValidationException")
        machine = self._machines.snapshot(params["stateMachineArn"])
        if machine.type is MachineType.EXPRESS:
            raise errors.machine_type_not_supported()
        status = params.get("statusFilter")
        redriven = params.get("redriveFilter")
        wanted = [
            item
            for item in self._executions.of_machine(machine.arn)
            if status in {None, item.status.value}
            and redriven in {None, "REDRIVEN" if item.redrive_count else "NOT_REDRIVEN"}
        ]
        items, token = page(
            wanted,
            key=lambda item: str(item.arn),
            scope=f"{machine.arn} {status} {redriven}",
            limit=params.get("maxResults") or _DEFAULT_PAGE,
            token=params.get("nextToken"),
            invalid_token=errors.invalid_token(),
        )
        return {"executions": [answers.execution_item(item) for item in items], "nextToken": token}

    def get_execution_history(self, params: Params) -> Params:
        execution = self._executions.get(check_arn(params["executionArn"], "execution"))
        newest_first = params.get("reverseOrder", False)
        events = execution.events()
        items, token = page(
            events[::-1] if newest_first else events,
            key=lambda event: str(event["id"]),
            scope=f"{execution.arn} {newest_first}",
            limit=params.get("maxResults") or _DEFAULT_PAGE,
            token=params.get("nextToken"),
            invalid_token=errors.invalid_token(),
        )
        if not params.get("includeExecutionData", True):
            items = [answers.without_execution_data(event) for event in items]
        return {"events": items, "nextToken": token}

    def describe_state_machine_for_execution(self, params: Params) -> Params:
        machine = self._executions.get(check_arn(params["executionArn"], "execution")).machine
        return _without_data(answers.machine(machine), params, "definition")

    def redrive_execution(self, params: Params) -> Params:
        arn = check_arn(params["executionArn"], "execution")
        execution = self._executions.redrive(arn, token=params.get("clientToken"))
        return {"redriveDate": execution.redrive_date}

    def send_task_success(self, params: Params) -> None:
        output = params["output"]
        if len(output.encode()) > MAX_INPUT_BYTES:
            raise errors.invalid_output(f"Output size exceeds {MAX_INPUT_BYTES} bytes")
        try:
            json.loads(output)
        except ValueError as error:
            raise errors.invalid_output(str(error)) from error
        self._executions.succeed_task(params["taskToken"], output)

    def send_task_failure(self, params: Params) -> None:
        self._executions.fail_task(params["taskToken"], params.get("error"), params.get("cause"))

    def send_task_heartbeat(self, params: Params) -> None:
        self._executions.task_heartbeat(params["taskToken"])


def _without_data(answer: Mapping[str, Any], params: Params, *names: str) -> Params:
    """`includedData: METADATA_ONLY` leaves out what may be encrypted."""
    if params.get("includedData") != "METADATA_ONLY":
        return answer
    return {key: value for key, value in answer.items() if key not in names}
