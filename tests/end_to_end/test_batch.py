"""The batch workflow on the local AWS: its jobs as processes, their logs, and the commands for images."""

from __future__ import annotations

import contextlib
import json
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.local_aws import LocalAws
from tests.waiting import wait_for

pytestmark = pytest.mark.xdist_group("systems")

STACK = "stepline-batch"
DOCKERFILE = """\
FROM python:3.13-slim
COPY program.py /
ENTRYPOINT ["python", "/program.py"]
"""


WAITING = """\
import pathlib, sys, time
parameter = sys.argv[-1].partition("=")[2]
pathlib.Path(parameter, "started").touch()
while not pathlib.Path(parameter, "continue").exists():
    time.sleep(0.01)
"""


class Workflow:
    def __init__(self, local: LocalAws) -> None:
        self.local = local
        described = local.client("cloudformation").describe_stacks(StackName=STACK)["Stacks"][0]
        self.outputs = {item["OutputKey"]: item["OutputValue"] for item in described["Outputs"]}
        self.states = local.client("stepfunctions")

    def start(self, *parameters: Any) -> str:
        names = ("step1_parameter", "step2_parameters", "step3_parameters")
        document = {"parameters": dict(zip(names, parameters, strict=True))}
        response = self.states.start_execution(
            stateMachineArn=self.outputs["StateMachineArn"],
            name=f"e2e-{uuid.uuid4().hex[:8]}",
            input=json.dumps(document),
        )
        return str(response["executionArn"])

    def run(self, *parameters: Any) -> dict[str, Any]:
        """Start an execution, wait for its end, and return its description."""
        return self.local.wait_for_execution(self.start(*parameters))

    @contextlib.contextmanager
    def image(self, folder: Path, program: str) -> Iterator[None]:
        """Push an image with this program, and make that of the system the latest again."""
        (folder / "Dockerfile").write_text(DOCKERFILE)
        (folder / "program.py").write_text(program)
        pushed = self.local.stepline("image", "push", str(folder))
        assert pushed.returncode == 0, pushed.stderr
        digest = pushed.stdout.strip().rpartition("@")[2]
        try:
            yield
        finally:
            deleted = self.local.stepline("image", "delete", digest, "--yes")
            assert deleted.stdout.startswith(f"deleted {digest} (content-")
            assert self.local.stepline("image", "push").returncode == 0

    def update(self, **parameters: str) -> None:
        """Update the stack, with its current template."""
        stacks = self.local.client("cloudformation")
        current = stacks.describe_stacks(StackName=STACK)["Stacks"][0]["Parameters"]
        stacks.update_stack(
            StackName=STACK,
            UsePreviousTemplate=True,
            Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
            Parameters=[
                {"ParameterKey": name, "ParameterValue": parameters[name]}
                if name in parameters
                else {"ParameterKey": name, "UsePreviousValue": True}
                for name in (parameter["ParameterKey"] for parameter in current)
            ],
        )
        stacks.get_waiter("stack_update_complete").wait(StackName=STACK, WaiterConfig={"Delay": 1})

    def log(self, *arguments: str) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.local.stepline("logs", *arguments).stdout.splitlines()]


@pytest.fixture(scope="module")
def workflow(systems: LocalAws) -> Workflow:
    return Workflow(systems)


def test_jobs_run_and_their_logs_have_their_parameters(workflow: Workflow) -> None:
    execution = workflow.run("one", ["a", {"x": 1}], ["p"])
    assert execution["status"] == "SUCCEEDED", execution.get("cause")
    output = json.loads(execution["output"])
    first, second = output["step2"]
    assert workflow.log(output["step1"]["jobId"])[0]["parameter"] == "one"
    assert workflow.log(first["jobId"])[0]["parameter"] == "a"
    by_name = workflow.log("--job", f"{execution['name']}-step2-1", "--follow")
    assert (by_name[0]["parameter"], by_name[0]["job_id"]) == ('{"x": 1}', second["jobId"])
    group = workflow.log(output["logGroupName"], "--since", "1d")
    assert {line["parameter"] for line in group} >= {"one", "a", "p"}


def test_jobs_run_the_latest_image_until_it_is_deleted(workflow: Workflow, tmp_path: Path) -> None:
    with workflow.image(tmp_path, "import sys\nprint('broken')\nsys.exit(3)\n"):
        execution = workflow.run("one", [], [])
        assert execution["error"] == "JobFailedError"
        assert "-step1: Essential container in task exited; exit code 3; job " in execution["cause"]
        assert workflow.local.stepline("logs", "--job", f"{execution['name']}-step1").stdout == "broken\n"
    assert workflow.run("one", [], [])["status"] == "SUCCEEDED"


def test_running_execution_survives_an_update_of_the_stack(workflow: Workflow, tmp_path: Path) -> None:
    """An execution keeps its definition, which names the job definition's revision at its start."""
    places = [tmp_path / name for name in ("one", "two")]
    for place in places:
        place.mkdir()
    with workflow.image(tmp_path, WAITING):
        execution = workflow.start(str(places[0]), [str(places[1])], [])
        wait_for((places[0] / "started").exists)
        workflow.update(JobTimeoutSeconds="1800")
        for place in places:
            (place / "continue").touch()
        description = workflow.local.wait_for_execution(execution)
    assert description["status"] == "SUCCEEDED", description.get("cause")
    definitions = workflow.local.client("batch").describe_job_definitions(
        jobDefinitionName=f"{STACK}-job", status="ACTIVE"
    )["jobDefinitions"]
    assert sorted(definition["timeout"]["attemptDurationSeconds"] for definition in definitions) == [
        1800,
        3600,
    ]


def test_wrong_arguments_are_reported_in_one_line(workflow: Workflow) -> None:
    for arguments, message in (
        (("image", "push", "no/such/folder"), "no/such/folder/Dockerfile does not exist"),
        (("image", "push", "--stack", "none"), "stack none does not exist"),
        (("image", "push", "--stack", "stepline"), "stack stepline has no output ImageRepositoryUri"),
        (("image", "delete", "v9"), "image 'v9' does not exist"),
        (("image", "delete"), "name tags or digests, or use --all"),
        (("logs", "--job", "none"), "job 'none' does not exist"),
        (
            ("logs", "00000000-0000-0000-0000-000000000000"),
            "job 00000000-0000-0000-0000-000000000000 does not exist",
        ),
    ):
        result = workflow.local.stepline(*arguments)
        assert result.returncode in {1, 2}
        assert message in result.stderr.splitlines()[-1]
