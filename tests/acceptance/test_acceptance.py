"""The acceptance run against the local AWS, and its parts."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from collections.abc import Iterator

import pytest
from botocore.exceptions import ClientError
from rich.console import Console

from stepline.aws.target import TargetOptions, choose_target
from tests.acceptance import plan
from tests.acceptance.environment import PROJECT, Environment, StepFailedError
from tests.acceptance.steps import Step, run_steps, table
from tests.localaws.running_server import Server, running_server

pytestmark = pytest.mark.xdist_group("acceptance")

_TIMEOUT_SECONDS = 500
_CONFIRMATION = "Continue? [y/N]: "


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running_server(tmp_path_factory.mktemp("acceptance")) as running:
        yield running


def acceptance(server: Server, *arguments: str, answer: str = "") -> subprocess.CompletedProcess[str]:
    variables = {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{server.port}",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
    }
    return subprocess.run(
        [sys.executable, "-m", "tests.acceptance", *arguments],
        cwd=PROJECT,
        env={**os.environ, **variables},
        input=answer,
        capture_output=True,
        text=True,
        timeout=_TIMEOUT_SECONDS,
        check=False,
    )


def test_all_steps_pass_and_nothing_is_left(server: Server) -> None:
    completed = acceptance(server, "--yes", "--prefix", "acc")
    assert completed.returncode == 0, completed.stdout + completed.stderr
    assert "✗" not in completed.stdout
    assert "✓ Nothing is left." in completed.stdout
    assert "pipeline: retry" in completed.stdout
    assert "workflow: deploy as developer" in completed.stdout
    assert "rollout: wave that fails" in completed.stdout
    assert "rollout: approved wave" in completed.stdout
    assert "pipeline: redrive" in completed.stdout


def test_nothing_is_created_without_consent(server: Server) -> None:
    completed = acceptance(server, "--prefix", "asks", answer="n\n")
    assert completed.returncode == 1
    assert _CONFIRMATION in completed.stdout
    assert "asks-workflow-sample" in completed.stdout
    with pytest.raises(ClientError, match="does not exist"):
        server.client("cloudformation").describe_stacks(StackName="asks")


def test_interrupted_run_can_be_deleted(server: Server) -> None:
    """Of an interrupted run, a stack, a bucket and a role with the prefix remain."""
    s3, iam = server.client("s3"), server.client("iam")
    s3.create_bucket(Bucket="broken-artifacts")
    s3.put_bucket_versioning(Bucket="broken-artifacts", VersioningConfiguration={"Status": "Enabled"})
    for _ in range(2):
        s3.put_object(Bucket="broken-artifacts", Key="a", Body=b"a")
    s3.delete_object(Bucket="broken-artifacts", Key="a")
    iam.create_role(RoleName="broken-process-ApiGatewayLogsRole", AssumeRolePolicyDocument="{}")
    s3.create_bucket(Bucket="brokenness-is-not-mine")
    server.client("cloudformation").create_stack(
        StackName="broken-app", TemplateBody='{"Resources": {"Q": {"Type": "AWS::SQS::Queue"}}}'
    )
    completed = acceptance(server, "--yes", "--delete-only", "--prefix", "broken")
    assert completed.returncode == 0, completed.stdout + completed.stderr
    assert [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]] == ["brokenness-is-not-mine"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--prefix", "Upper"), "lower-case letters"),
        (("--prefix", "a-prefix-that-is-long"), "at most 16"),
        (("--delete-only",), "--delete-only needs the --prefix"),
    ],
)
def test_wrong_option_is_refused(server: Server, arguments: tuple[str, ...], message: str) -> None:
    completed = acceptance(server, "--yes", *arguments)
    assert completed.returncode == 2
    assert message in completed.stderr


def _environment(seconds: float) -> Environment:
    target = choose_target(TargetOptions(endpoint_url="http://127.0.0.1:1"), {})
    return Environment(target, "acc", seconds)


def _fail(_: Environment) -> str:
    raise StepFailedError("waited in vain")


def test_failed_step_does_not_stop_the_others() -> None:
    steps = [
        Step("system", "fails", "done", _fail),
        Step("system", "differs", "done", lambda _: "not done"),
        Step("system", "passes", "done", lambda _: "done at once"),
    ]
    results = list(run_steps(steps, _environment(60)))
    assert [(result.passed, result.seen) for result in results] == [
        (False, "StepFailedError: waited in vain"),
        (False, "not done"),
        (True, "done at once"),
    ]


def test_no_step_begins_after_the_time_of_the_run() -> None:
    steps = [Step("system", "late", "done", lambda _: "done")]
    (result,) = run_steps(steps, _environment(0))
    assert (result.passed, result.seen) == (False, "not run: the time of the run is used up")


def test_table_shows_what_is_expected_and_seen() -> None:
    results = run_steps([Step("pipeline", "push", "Succeeded", lambda _: "Failed")], _environment(9))
    console = Console(width=120, record=True, file=io.StringIO())
    console.print(table(results))
    assert [cell.strip() for cell in console.export_text().splitlines()[3].strip("│ ").split("│")] == [
        "✗",
        "pipeline",
        "push",
        "Succeeded",
        "Failed",
        "0",
    ]


def test_plan_lists_all_stacks() -> None:
    assert plan.plan(_environment(1)).row_count == 9
