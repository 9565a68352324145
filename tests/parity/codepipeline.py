"""Pipelines and executions whose outcome on AWS is known: the files of `cases/codepipeline`.

A file has `cases`: name -> case, and may have a `source` for all of them. A case has

- `stages`: name -> actions, which are `{source: NAME}`, `{lambda: NAME}`, `{approval: NAME}`,
  `{custom: NAME}` (of the type Test/Checks/Custom) or `{action: NAME}` and other members of an
  ActionDeclaration (the `actionTypeId` of the last kind is short: `Build/CodeBuild`); and `pipeline`, other
  members of the PipelineDeclaration (null removes one);
- `types`: custom action types, as parameters of CreateCustomActionType that differ from those of
  `workers.custom_type`, which are created before the pipeline;
- `refused`: the code of the error, or `accepted`: the pipeline is valid; or
- `steps`, which follow after the pipeline has been created, and `then`: what is seen after them.

Without `stages` there is no pipeline. Steps: `start` (with parameters of StartPipelineExecution), `event`
(the input of a rule's target), `wait` (seconds), `succeed`, `fail`, `continue` (the newest open job), `keep`
(continue for so many seconds), `crash` (the function fails from now on, with its EventInvokeConfig),
`approve` and `reject` (a stage and an action), `update` (stages), `stop`, `retry`, `disable` and `enable` (a
stage), `create_type` and `delete_type` (a custom action type), `poll` (with parameters of PollForJobs; the
first job that it returns is then the newest) and `acknowledge` (with another nonce). `then` has any of the
keys that `_Replay.seen` returns.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from botocore.config import Config
from botocore.exceptions import ClientError

from stepline.localaws.protocol import in_process_client
from tests.localaws.codepipeline.fakes import (
    Job,
    World,
    approval_action,
    lambda_action,
    pipeline,
    source_action,
)
from tests.localaws.codepipeline.workers import TYPE_ID, custom_action, custom_type
from tests.parity.case_files import read_cases
from tests.parity.outcome import Outcome

CASES = Path(__file__).parent / "cases" / "codepipeline"
PIPELINE_ARN = "arn:aws:codepipeline:us-east-1:000000000000:app"

Case = Mapping[str, Any]


def replay() -> Iterator[Outcome]:
    """Run all cases in virtual time."""
    for name, case in read_cases(CASES):
        yield Outcome(
            case=name,
            source=case["source"],
            expected=_text(_expected(case)),
            seen=_text(_run(case)),
            difference=case.get("difference", ""),
        )


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


def _expected(case: Case) -> Any:
    return case.get("refused") or case.get("then") or {"accepted": case["accepted"]}


def _run(case: Case) -> Any:
    replayed = _Replay()
    try:
        replayed.create(case)
    except ClientError as error:
        return error.response["Error"]["Code"]
    if "steps" not in case:
        return {"accepted": True}
    for step in case["steps"]:
        name, parameters = next(iter(step.items())) if isinstance(step, Mapping) else (step, None)
        replayed.do(name, parameters)
    return replayed.seen(case["then"])


class _Replay:
    """One pipeline, whose function leaves its jobs open for the steps of a case."""

    def __init__(self) -> None:
        self._world = World()
        # The service validates, too.
        config = Config(parameter_validation=False)
        self._world.client = in_process_client(self._world.service, config=config)
        self._world.lambda_.functions["trigger"] = lambda _job: None
        self._error = ""
        self._executions: list[str] = []
        self._polled: list[list[Job]] = []
        self._statuses: list[str] = []

    def create(self, case: Case) -> None:
        for changes in case.get("types", ()):
            self._create_type(changes)
        if "stages" not in case:
            return
        self._world.client.create_pipeline(
            pipeline=self._declaration(case["stages"], **case.get("pipeline", {}))
        )

    def do(self, name: str, parameters: Any) -> None:
        """Run one step; the error of the last step is seen as `error`."""
        self._error = ""
        try:
            getattr(self, f"_{name}")(parameters)
        except ClientError as error:
            self._error = error.response["Error"]["Code"]
        self._world.clock.advance(0)

    def seen(self, keys: Mapping[str, Any]) -> dict[str, Any]:
        """Return what is seen, of those keys."""
        world = self._world
        every: dict[str, Any] = {
            "error": self._error,
            "executions": [world.status(execution) for execution in self._executions],
            "jobs": len(world.lambda_.jobs),
            "parameters": [
                job["data"]["actionConfiguration"]["configuration"].get("UserParameters")
                for job in world.lambda_.jobs
            ],
            "polled": [len(jobs) for jobs in self._polled],
            "polled configurations": [
                job["data"]["actionConfiguration"]["configuration"] for jobs in self._polled for job in jobs
            ],
            "polled tokens": [job["data"].get("continuationToken") for jobs in self._polled for job in jobs],
            "statuses": self._statuses,
            "types": [
                item["id"]["provider"] + "/" + item["id"]["version"]
                for item in world.client.list_action_types(actionOwnerFilter="Custom")["actionTypes"]
            ],
            "tokens": [job["data"].get("continuationToken") for job in world.lambda_.jobs],
            "seconds": [
                round((moment - world.lambda_.times[0]).total_seconds()) for moment in world.lambda_.times
            ],
        }
        found = {key: every[key] for key in keys if key in every}
        if not world.client.list_pipelines()["pipelines"]:
            return found
        states = world.client.get_pipeline_state(name="app")["stageStates"]
        latest = {state["stageName"]: state.get("latestExecution", {}).get("status") for state in states}
        actions = {
            action["actionName"]: action.get("latestExecution", {}).get("status")
            for state in states
            for action in state["actionStates"]
        }
        if "urls" in keys:
            found["urls"] = {
                action["actionName"]: action.get("latestExecution", {}).get("externalExecutionUrl")
                for state in states
                for action in state["actionStates"]
                if action["actionName"] in keys["urls"]
            }
        if "stages" in keys:
            found["stages"] = {name: latest.get(name) for name in keys["stages"]}
        if "actions" in keys:
            found["actions"] = {name: actions.get(name) for name in keys["actions"]}
        if "events" in keys:
            found["events"] = world.event_names()[-len(keys["events"]) :]
        return found

    # --- steps ------------------------------------------------------------------------------------

    def _start(self, parameters: Any) -> None:
        self._executions.append(self._world.start(**(parameters or {})))

    def _event(self, target_input: Any) -> None:
        rule = "arn:aws:events:us-east-1:000000000000:rule/r"
        started = self._world.service.start_from_event(
            PIPELINE_ARN, rule_arn=rule, event=json.dumps(target_input)
        )
        self._executions.append(started)

    def _wait(self, seconds: float) -> None:
        self._world.clock.advance(seconds)

    def _succeed(self, parameters: Any) -> None:
        self._world.succeed(self._newest_job(), **(parameters or {}))

    def _fail(self, _parameters: Any) -> None:
        self._world.fail(self._newest_job())

    def _continue(self, token: str) -> None:
        self._world.succeed(self._newest_job(), continuationToken=token)

    def _keep(self, seconds: int) -> None:
        """Continue the newest job every 1,000 seconds, for that long."""
        for _ in range(seconds // 1000):
            self._continue("more")
            self._world.clock.advance(1000)

    def _crash(self, config: dict[str, int] | None) -> None:
        def crash(_job: Job) -> None:
            raise RuntimeError

        self._world.lambda_.functions["trigger"] = crash
        self._world.lambda_.invoke_config = config

    def _approve(self, place: str) -> None:
        self._answer(place, "Approved")

    def _reject(self, place: str) -> None:
        self._answer(place, "Rejected")

    def _answer(self, place: str, status: str) -> None:
        stage_name, action_name = place.split("/")
        states = self._world.client.get_pipeline_state(name="app")["stageStates"]
        tokens = [
            action["latestExecution"]["token"]
            for state in states
            for action in state["actionStates"]
            if "token" in action.get("latestExecution", {})
        ]
        self._world.client.put_approval_result(
            pipelineName="app",
            stageName=stage_name,
            actionName=action_name,
            result={"summary": "", "status": status},
            token=tokens[0],
        )

    def _update(self, stages: Any) -> None:
        self._world.client.update_pipeline(pipeline=self._declaration(stages))

    def _stop(self, parameters: Any) -> None:
        self._world.client.stop_pipeline_execution(
            pipelineName="app", pipelineExecutionId=self._executions[-1], **(parameters or {})
        )

    def _retry(self, stage_name: str) -> None:
        self._world.client.retry_stage_execution(
            pipelineName="app",
            stageName=stage_name,
            pipelineExecutionId=self._executions[-1],
            retryMode="FAILED_ACTIONS",
        )

    def _disable(self, stage_name: str) -> None:
        self._world.client.disable_stage_transition(
            pipelineName="app", stageName=stage_name, transitionType="Inbound", reason="later"
        )

    def _enable(self, stage_name: str) -> None:
        self._world.client.enable_stage_transition(
            pipelineName="app", stageName=stage_name, transitionType="Inbound"
        )

    def _create_type(self, changes: Mapping[str, Any] | None) -> None:
        self._world.client.create_custom_action_type(**custom_type(**(changes or {})))

    def _delete_type(self, _parameters: Any) -> None:
        self._world.client.delete_custom_action_type(category="Test", provider="Checks", version="1")

    def _poll(self, parameters: Any) -> None:
        request = {"actionTypeId": TYPE_ID, **(parameters or {})}
        self._polled.append(self._world.client.poll_for_jobs(**request)["jobs"])

    def _acknowledge(self, nonce: str | None) -> None:
        job = self._newest_job()
        answer = self._world.client.acknowledge_job(jobId=job["id"], nonce=nonce or job["nonce"])
        self._statuses.append(answer["status"])

    # --- helpers ----------------------------------------------------------------------------------

    def _newest_job(self) -> Job:
        polled = [jobs[0] for jobs in self._polled if jobs]
        return polled[-1] if polled else self._world.lambda_.jobs[-1]

    def _declaration(self, stages: Mapping[str, Any], **changes: Any) -> dict[str, Any]:
        declared = [
            {"name": name, "actions": list(map(_action, actions))} for name, actions in stages.items()
        ]
        document = {**pipeline(), **changes, "stages": declared}
        return {key: value for key, value in document.items() if value is not None}


def _action(short: Mapping[str, Any]) -> dict[str, Any]:
    members = dict(short)
    kind = next(iter(members))
    name = members.pop(kind)
    if kind == "source":
        return source_action(**{"name": name, **members})
    if kind == "action":
        return {**lambda_action(name), **members, "actionTypeId": _action_type(members["actionTypeId"])}
    if kind == "custom":
        return custom_action(name, **members)
    return lambda_action(name, **members) if kind == "lambda" else approval_action(name, **members)


def _action_type(short: str) -> dict[str, str]:
    """`short`: category and provider, and an owner other than AWS, as in `Source/GitHub/ThirdParty`."""
    category, provider, owner = [*short.split("/"), "AWS"][:3]
    return {"category": category, "owner": owner, "provider": provider, "version": "1"}
