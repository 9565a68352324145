"""The results of the events in `local_events/` on a local AWS with all systems, as its README lists them."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from stepline.aws.functions import Function, find_function, list_functions
from stepline.aws.target import TargetOptions, choose_target
from tests.end_to_end.local_aws import PROJECT, LocalAws

pytestmark = pytest.mark.xdist_group("systems")

FOLDER = PROJECT / "local_events"
_ROW = re.compile(
    r"^\| \[`(?P<file>[^`]+)`]\((?P=file)\) \| `(?P<function>[^`]+)` \| (?P<result>.+) \|$", re.MULTILINE
)


@dataclass(frozen=True)
class Row:
    file: Path
    function: str
    result: str

    @property
    def errors(self) -> set[str]:
        return set(re.findall(r"`(\w+Error)`", self.result))


ROWS = [
    Row(FOLDER / match["file"], match["function"], match["result"])
    for match in _ROW.finditer((FOLDER / "README.md").read_text())
]


@pytest.fixture(scope="module")
def functions(systems: LocalAws) -> Sequence[Function]:
    target = choose_target(TargetOptions(endpoint_url=systems.endpoint_url), {})
    return list_functions(target, "stepline", all_stacks=True)


def test_all_events_are_listed() -> None:
    assert [row.file for row in ROWS] == sorted(FOLDER.glob("*/*.json"))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.file.parent.name}/{row.file.stem}")
def test_event_has_the_listed_result(systems: LocalAws, functions: Sequence[Function], row: Row) -> None:
    response = systems.client("lambda").invoke(
        FunctionName=find_function(functions, row.function, "stepline").name,
        Payload=row.file.read_bytes(),
        LogType="Tail",
    )
    payload = json.loads(response["Payload"].read())
    if "FunctionError" in response:
        assert payload["errorType"] in row.errors, payload["errorMessage"]
        return
    assert "returns" in row.result
    if "logs" in row.result:
        log = base64.b64decode(response["LogResult"]).decode()
        assert set(re.findall(r'"reason":"(\w+)"', log)) == row.errors
    if row.function == "trigger":
        assert _has_started(systems, row) is ("starts an execution" in row.result)


def test_environment_for_sam_has_the_variables_of_all_functions(
    systems: LocalAws, functions: Sequence[Function]
) -> None:
    result = systems.stepline("env", "--host", "127.0.0.1")
    assert result.returncode == 0, result.stderr
    sections = json.loads(result.stdout)
    assert sections.pop("Parameters") == {"AWS_ENDPOINT_URL": systems.endpoint_url}
    deployed = {
        each.logical_id: each for each in functions if each.stack and each.stack.startswith("stepline")
    }
    assert deployed.keys() <= sections.keys()
    for logical_id, function in deployed.items():
        configuration = systems.client("lambda").get_function_configuration(FunctionName=function.name)
        assert sections[logical_id] == configuration.get("Environment", {}).get("Variables", {})


def _has_started(systems: LocalAws, row: Row) -> bool:
    """Whether there is an execution that is named after the job."""
    job_id = json.loads(row.file.read_text())["CodePipeline.job"]["id"]
    arn = "arn:aws:states:us-east-1:000000000000:stateMachine:stepline-deploy"
    executions = systems.client("stepfunctions").list_executions(stateMachineArn=arn)["executions"]
    return any(job_id in execution["name"] for execution in executions)
