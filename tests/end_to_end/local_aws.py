"""The local AWS as its clients see it: boto3, git and the command line."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import boto3

from tests.local_clients import local_client
from tests.waiting import wait_for

PROJECT = Path(__file__).parents[2]
_AWS_CLI = PROJECT / ".awscli/bin/aws"
_TIMEOUT_SECONDS = 60
_FINISHED = {"Succeeded", "Failed", "Stopped", "Superseded", "Cancelled"}


@dataclass(frozen=True)
class Outcome:
    """How the Deploy action of one pipeline execution ended."""

    status: str
    summary: str
    error: str
    execution_arn: str


@dataclass(frozen=True)
class LocalAws:
    port: int
    environment: dict[str, str]
    project: Path

    @property
    def endpoint_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @cached_property
    def session(self) -> boto3.Session:
        return boto3.Session(aws_access_key_id="test", aws_secret_access_key="test", region_name="us-east-1")

    def client(self, service: str) -> Any:
        return local_client(self.port, service, max_attempts=5)

    def call(self, service: str, operation: str, **parameters: Any) -> Any:
        """Call an operation by the AWS CLI, if `make paste` has installed it, otherwise by boto3.

        The CLI prints times as numbers.
        """
        if not _AWS_CLI.exists():
            return getattr(self.client(service), operation)(**parameters)
        variables = {
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_PAGER": "",
        }
        words = [service, operation.replace("_", "-"), "--cli-input-json", json.dumps(parameters)]
        result = subprocess.run(
            [str(_AWS_CLI), "--endpoint-url", self.endpoint_url, "--output", "json", *words],
            env=self.environment | variables,
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_SECONDS,
            check=False,
        )
        assert result.returncode == 0, result.stderr
        return json.loads(result.stdout)

    def stepline(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "stepline", "--endpoint-url", self.endpoint_url, *arguments],
            cwd=self.project,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_SECONDS,
            check=False,
        )

    def git(self, *arguments: str, cwd: Path) -> str:
        identity = ["-c", "user.name=t", "-c", "user.email=t@example.com"]
        result = subprocess.run(
            ["git", *identity, *arguments],
            cwd=cwd,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert result.returncode == 0, result.stderr
        return result.stdout.strip()

    def push(self, folder: Path, *, force: bool = True) -> str:
        """Commit the files in `folder`, push them to main with the git client, and return the commit's id."""
        repository = self.client("codecommit").get_repository(repositoryName="stepline-app")[
            "repositoryMetadata"
        ]
        if not (folder / ".git").exists():
            self.git("init", "--quiet", "--initial-branch=main", cwd=folder)
        self.git("add", "--all", cwd=folder)
        self.git("commit", "--quiet", "--allow-empty", "--message", "a change", cwd=folder)
        force_option = ["--force"] if force else []
        self.git("push", "--quiet", *force_option, repository["cloneUrlHttp"], "HEAD:main", cwd=folder)
        return self.git("rev-parse", "HEAD", cwd=folder)

    def deploy(self, folder: Path) -> Outcome:
        """Push `folder` and wait for the pipeline execution of that commit to end."""
        return self.outcome(self.execution_of(self.push(folder)))

    def execution_of(self, commit: str) -> str:
        """Wait for the end of the pipeline execution of `commit`, and return its id."""
        pipelines = self.client("codepipeline")

        def list_executions() -> list[dict[str, Any]]:
            response = pipelines.list_pipeline_executions(pipelineName="stepline")
            return list(response["pipelineExecutionSummaries"])

        def find() -> str | None:
            for summary in list_executions():
                revisions = [revision.get("revisionId") for revision in summary.get("sourceRevisions", [])]
                if commit in revisions and summary["status"] in _FINISHED:
                    return str(summary["pipelineExecutionId"])
            return None

        return wait_for(find, lambda: f"no finished pipeline execution for {commit}: {list_executions()}")

    def wait_for_execution(self, execution_arn: str) -> dict[str, Any]:
        """Wait for the end of a state machine execution and return its description."""
        states = self.client("stepfunctions")

        def find() -> dict[str, Any] | None:
            description: dict[str, Any] = states.describe_execution(executionArn=execution_arn)
            return None if description["status"] == "RUNNING" else description

        return wait_for(find, lambda: f"{execution_arn} still runs")

    def outcome(self, execution_id: str) -> Outcome:
        details = self.client("codepipeline").list_action_executions(
            pipelineName="stepline", filter={"pipelineExecutionId": execution_id}
        )["actionExecutionDetails"]
        action = next(detail for detail in details if detail["actionName"] == "Deploy")
        result = action["output"]["executionResult"]
        return Outcome(
            status=action["status"],
            summary=result.get("externalExecutionSummary", ""),
            error=result.get("errorDetails", {}).get("message", ""),
            execution_arn=result.get("externalExecutionId", ""),
        )

    def states(self, execution_arn: str) -> list[str]:
        """Return the names of the states that a state machine execution entered, in order."""
        pages = self.client("stepfunctions").get_paginator("get_execution_history")
        return [
            event["stateEnteredEventDetails"]["name"]
            for page in pages.paginate(executionArn=execution_arn)
            for event in page["events"]
            if "stateEnteredEventDetails" in event
        ]


def stepline(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "stepline", *arguments]
    result = subprocess.run(
        command, cwd=PROJECT, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert result.returncode == 0, f"{' '.join(command)}\n{result.stdout}\n{result.stderr}"
    return result


def set_input(folder: Path, **values: Any) -> None:
    """Change the state machine's input in a copy of the application."""
    file = folder / "state_machine_input.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | values))
