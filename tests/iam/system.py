"""The deployed application on a local AWS of its own, as a developer with all rights sees it."""

from __future__ import annotations

import io
import json
import time
import urllib.request
import uuid
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import boto3

from tests.iam.permissions import Permission

ACCOUNT = "000000000000"
REGION = "us-east-1"
STACK = "stepline"
_HTTP_SECONDS = 10.0
_OWN_DENY = "with an explicit deny in an identity-based policy"
_POLL_SECONDS = 0.05


@dataclass(frozen=True)
class Ended:
    """How an execution of a state machine, or of the pipeline's Deploy action, ended."""

    status: str
    reason: str

    def must_be(self, status: str) -> None:
        assert self.status == status, f"{self.status}: {self.reason}"


@dataclass(frozen=True)
class System:
    """`patience_seconds`: what has not happened by then is not going to."""

    endpoint_url: str
    patience_seconds: float = 60.0

    @cached_property
    def _clients(self) -> dict[str, Any]:
        return {}

    @cached_property
    def session(self) -> boto3.Session:
        return boto3.Session(aws_access_key_id="developer", aws_secret_access_key="x", region_name=REGION)

    def client(self, service: str) -> Any:
        if service not in self._clients:
            session: Any = self.session
            self._clients[service] = session.client(service, endpoint_url=self.endpoint_url)
        return self._clients[service]

    @cached_property
    def resources(self) -> dict[str, str]:
        """Logical id -> physical id."""
        found = self.client("cloudformation").describe_stack_resources(StackName=STACK)["StackResources"]
        return {item["LogicalResourceId"]: item["PhysicalResourceId"] for item in found}

    @property
    def bucket(self) -> str:
        return self.resources["ArtifactBucket"]

    # --- what was allowed, and what was denied

    def forget(self) -> None:
        """Begin a new record of permissions."""
        self._record("DELETE")

    def used(self) -> dict[Permission, int]:
        """Of each permission that was the only one to allow a request: on how many of its resources."""
        logical = {physical: name for name, physical in self.resources.items()}
        used: dict[Permission, int] = {}
        for grant in self._record()["grants"]:
            if grant["alone"]:
                role = logical.get(grant["role"], grant["role"])
                permission = Permission(role, grant["policy"], grant["statement"], grant["action"])
                used[permission] = used.get(permission, 0) + 1
        return used

    def decided(self) -> set[str]:
        """The actions that were allowed or denied."""
        record = self._record()
        return {item["action"] for item in [*record["grants"], *record["denials"]]}

    def denials(self) -> list[str]:
        """Without those that a way brought about itself: no policy of the application has a Deny."""
        found = [denial["message"] for denial in self._record()["denials"]]
        return [message for message in found if not message.endswith(_OWN_DENY)]

    def _record(self, method: str = "GET") -> Any:
        request = urllib.request.Request(f"{self.endpoint_url}/_stepline/permissions", method=method)
        with urllib.request.urlopen(request, timeout=_HTTP_SECONDS) as answer:
            return json.load(answer)

    # --- artifacts and deployments

    def artifact(self, **files: Any) -> dict[str, Any]:
        """Put a zip of JSON files (`template`, `configuration`) where the pipeline keeps its artifacts."""
        key = f"{STACK}/SourceOutp/{uuid.uuid4()}"
        self.client("s3").put_object(Bucket=self.bucket, Key=key, Body=zipped(files))
        return {"revisionS3Bucket": self.bucket, "revisionS3Key": key}

    def request(self, stack: str, **files: Any) -> dict[str, Any]:
        """An input of the Deploy state machine for the stack `iam-<stack>`."""
        configuration = (
            {"templateConfigurationPath": "configuration.json"} if "configuration" in files else {}
        )
        return {
            "environmentName": "iam",
            "stackName": stack,
            "templatePath": "template.json",
            **configuration,
            **self.artifact(**files),
        }

    def start(self, request: Mapping[str, Any], *, machine: str = f"{STACK}-deploy", name: str = "") -> str:
        """Start the Deploy state machine; the execution's ARN."""
        answer = self.client("stepfunctions").start_execution(
            stateMachineArn=f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:{machine}",
            name=name or str(uuid.uuid4()),
            input=json.dumps(request),
        )
        return str(answer["executionArn"])

    def end_of(self, execution: str) -> Ended:
        answer = self.wait_for(
            lambda: self.client("stepfunctions").describe_execution(executionArn=execution),
            lambda described: described["status"] != "RUNNING",
        )
        return Ended(answer["status"], f"{answer.get('error')}: {answer.get('cause')}")

    def deploy(self, request: Mapping[str, Any]) -> Ended:
        return self.end_of(self.start(request))

    def stack(self, name: str, template: Mapping[str, Any]) -> str:
        """Make a stack without stepline, and wait; its id."""
        cloudformation = self.client("cloudformation")
        stack_id = cloudformation.create_stack(StackName=name, TemplateBody=json.dumps(template))["StackId"]
        self.stack_at_rest(stack_id)
        return str(stack_id)

    def stack_at_rest(self, stack_id: str) -> str:
        """Its status, once it changes no more."""
        describe = self.client("cloudformation").describe_stacks
        answer = self.wait_for(
            lambda: describe(StackName=stack_id)["Stacks"][0],
            lambda stack: not stack["StackStatus"].endswith("_IN_PROGRESS"),
        )
        return str(answer["StackStatus"])

    def stack_must_be(self, stack_id: str, status: str) -> None:
        found = self.stack_at_rest(stack_id)
        reasons = [
            event.get("ResourceStatusReason", "")
            for event in self.client("cloudformation").describe_stack_events(StackName=stack_id)[
                "StackEvents"
            ]
        ]
        assert found == status, f"{found}: {next(filter(None, reversed(reasons)), '')}"

    def invoke(self, function: str, event: Mapping[str, Any]) -> Any:
        """Run a function; its answer. An error of the function is an AssertionError."""
        answer = self.client("lambda").invoke(FunctionName=f"{STACK}-{function}", Payload=json.dumps(event))
        payload = json.loads(answer["Payload"].read() or b"null")
        assert "FunctionError" not in answer, payload
        return payload

    def push(self, **files: Any) -> Ended:
        """Commit the files (of JSON) to the pipeline's branch; how the pipeline execution ends."""
        codecommit = self.client("codecommit")
        before = {item["pipelineExecutionId"] for item in self._pipeline_executions()}
        branches = codecommit.list_branches(repositoryName="stepline-app")["branches"]
        head = {"parentCommitId": self.head()} if "main" in branches else {}
        codecommit.create_commit(
            repositoryName="stepline-app",
            branchName="main",
            putFiles=[
                {"filePath": f"{name}.json", "fileContent": json.dumps(content)}
                for name, content in (files | {"change": str(uuid.uuid4())}).items()
            ],
            **head,
        )
        return self._pipeline_end(before)

    def restart(self, role: str) -> None:
        """Let the function of the role, if there is one, begin anew: its environment remembers answers."""
        if function := self.resources.get(f"{role.removesuffix('Role')}Function"):
            functions = self.client("lambda")
            variables = functions.get_function_configuration(FunctionName=function)["Environment"][
                "Variables"
            ]
            functions.update_function_configuration(
                FunctionName=function, Environment={"Variables": variables | {"RESTARTED": str(uuid.uuid4())}}
            )

    def head(self) -> str:
        answer = self.client("codecommit").get_branch(repositoryName="stepline-app", branchName="main")
        return str(answer["branch"]["commitId"])

    def _pipeline_end(self, before: set[str]) -> Ended:
        """Of the execution that was not there before."""
        pipelines = self.client("codepipeline")

        def execution() -> Any:
            new = (i for i in self._pipeline_executions() if i["pipelineExecutionId"] not in before)
            return next(new, None)

        done = self.wait_for(execution, lambda item: item is not None and item["status"] != "InProgress")
        details = pipelines.list_action_executions(
            pipelineName=STACK, filter={"pipelineExecutionId": done["pipelineExecutionId"]}
        )["actionExecutionDetails"]
        errors = [d["output"]["executionResult"].get("errorDetails", {}).get("message", "") for d in details]
        return Ended(done["status"], " ".join(errors))

    def action_status(self, execution_id: str, action: str = "Source") -> str:
        """Of a pipeline execution's action; empty if it has not begun."""
        details = self.client("codepipeline").list_action_executions(
            pipelineName=STACK, filter={"pipelineExecutionId": execution_id}
        )["actionExecutionDetails"]
        return next((str(d["status"]) for d in details if d["actionName"] == action), "")

    def abandon_pipeline_executions(self) -> None:
        """What still runs would hold up what comes next."""
        for item in self._pipeline_executions():
            if item["status"] == "InProgress":
                self.client("codepipeline").stop_pipeline_execution(
                    pipelineName=STACK, pipelineExecutionId=item["pipelineExecutionId"], abandon=True
                )

    def wait_for(self, look: Callable[[], Any], good: Callable[[Any], bool]) -> Any:
        deadline = time.monotonic() + self.patience_seconds
        while not good(seen := look()):
            assert time.monotonic() < deadline, f"still {seen}"
            time.sleep(_POLL_SECONDS)
        return seen

    def _pipeline_executions(self) -> list[Any]:
        answer = self.client("codepipeline").list_pipeline_executions(pipelineName=STACK)
        return list(answer["pipelineExecutionSummaries"])


def zipped(files: Mapping[str, Any]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(f"{name}.json", json.dumps(content))
    return buffer.getvalue()
