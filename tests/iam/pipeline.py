"""The application's stack: the pipeline, its artifacts, and what it deploys."""

from __future__ import annotations

import io
import json
import time
import uuid
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from statemachines.deploy.ownership import OWNER_TAG
from stepline.deployment.stack import LOCAL_PARAMETERS
from stepline.deployment.template import read_template
from tests.iam.system import ACCOUNT, ExecutionResult, System

_DENIED_ON_PURPOSE = "/AWSCloudFormation is not authorized to perform: sns:"
_MACHINE = "stepline-deploy"
_PIPELINE = "stepline"
_REPOSITORY = "stepline-app"


@dataclass(frozen=True)
class Pipeline(System):
    """The application, used by pushing to it."""

    def deploy_with(self, parameters: Mapping[str, str]) -> None:
        """Update the stack; another source than before without `stepline up`, which keeps the repository."""
        if parameters.get("Source", "CodeCommit") == self._parameters()["Source"]:
            super().deploy_with(parameters)
            return
        if "Source" not in parameters:  # the repository of the first source was kept
            self.client("codecommit").delete_repository(repositoryName=_REPOSITORY)
        declared = read_template(self.template.template)["Parameters"]
        values = {name: str(item["Default"]) for name, item in declared.items()}
        values |= LOCAL_PARAMETERS | dict(parameters)
        self.client("cloudformation").update_stack(
            StackName=self.stack_name,
            UsePreviousTemplate=True,
            Parameters=[{"ParameterKey": name, "ParameterValue": value} for name, value in values.items()],
            Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
        )
        self.assert_stack_status(self.stack_name, "UPDATE_COMPLETE")
        for name in ("resources", "outputs"):  # changed by the update
            self.__dict__.pop(name, None)

    def _parameters(self) -> dict[str, str]:
        (stack,) = self.client("cloudformation").describe_stacks(StackName=self.stack_name)["Stacks"]
        return {item["ParameterKey"]: item["ParameterValue"] for item in stack["Parameters"]}

    @property
    def bucket(self) -> str:
        return self.resources["ArtifactBucket"]

    def artifact(self, **files: Any) -> dict[str, Any]:
        """Upload a zip of JSON files (`template`, `configuration`) to the artifact bucket."""
        key = f"{_PIPELINE}/SourceOutp/{uuid.uuid4()}"
        self.client("s3").put_object(Bucket=self.bucket, Key=key, Body=_zipped(files))
        return {"revisionS3Bucket": self.bucket, "revisionS3Key": key}

    def request(self, stack: str, **files: Any) -> dict[str, Any]:
        """Return an input of the Deploy state machine for the stack `iam-<stack>`."""
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

    def start_deploy(self, request: Mapping[str, Any], *, name: str = "") -> str:
        """Start the Deploy state machine and return the execution's ARN."""
        return self.start(request, machine=_MACHINE, name=name)

    def deploy(self, request: Mapping[str, Any]) -> ExecutionResult:
        return self.wait_for_execution(self.start_deploy(request))

    def push(self, **files: Any) -> ExecutionResult:
        """Commit the files to the pipeline's branch and wait for the pipeline execution.

        A name with an ending is that of a file with this text; any other one is that of a JSON file.
        """
        return self.started_by(lambda: self._commit(files))

    def started_by(self, push: Callable[[], object]) -> ExecutionResult:
        """Wait for the pipeline execution that `push` starts."""
        before = {item["pipelineExecutionId"] for item in self._pipeline_executions()}
        push()
        return self._pipeline_end(before)

    def _commit(self, files: Mapping[str, Any]) -> None:
        codecommit = self.client("codecommit")
        branches = codecommit.list_branches(repositoryName=_REPOSITORY)["branches"]
        head = {"parentCommitId": self.head()} if "main" in branches else {}
        codecommit.create_commit(
            repositoryName=_REPOSITORY,
            branchName="main",
            putFiles=[
                {"filePath": name, "fileContent": content}
                if "." in name
                else {"filePath": f"{name}.json", "fileContent": json.dumps(content)}
                for name, content in {**files, "change": str(uuid.uuid4())}.items()
            ],
            **head,
        )

    def denials(self) -> list[str]:
        """Return the denials, except those of topics, which scenarios use to be denied."""
        return [message for message in super().denials() if _DENIED_ON_PURPOSE not in message]

    def own_stack(self, name: str, template: Mapping[str, Any], *, role_arn: str = "") -> str:
        """Create a stack as this pipeline does, wait, and return its id."""
        stack_id = self.client("cloudformation").create_stack(
            StackName=name,
            TemplateBody=json.dumps(template),
            RoleARN=role_arn or self.role_arn("ApplicationRole"),
            Tags=[{"Key": OWNER_TAG, "Value": self.stack_name}],
        )["StackId"]
        self.wait_for_stack(stack_id)
        return str(stack_id)

    def role_arn(self, logical_id: str) -> str:
        return f"arn:aws:iam::{ACCOUNT}:role/{self.resources[logical_id]}"

    def head(self) -> str:
        response = self.client("codecommit").get_branch(repositoryName=_REPOSITORY, branchName="main")
        return str(response["branch"]["commitId"])

    def action_status(self, execution_id: str, action: str = "Source") -> str:
        """Return the status of an action of the pipeline execution, or "" before it has started."""
        details = self._action_details(execution_id)
        return next((str(d["status"]) for d in details if d["actionName"] == action), "")

    def settle(self) -> None:
        for item in self._pipeline_executions():
            if item["status"] == "InProgress":
                self.client("codepipeline").stop_pipeline_execution(
                    pipelineName=_PIPELINE, pipelineExecutionId=item["pipelineExecutionId"], abandon=True
                )

    def _pipeline_end(self, before: set[str]) -> ExecutionResult:
        """Wait for the execution that was not among those before."""

        def execution() -> Any:
            new = (i for i in self._pipeline_executions() if i["pipelineExecutionId"] not in before)
            return next(new, None)

        done = self.wait_for(execution, lambda item: item is not None and item["status"] != "InProgress")
        details = self._action_details(done["pipelineExecutionId"])
        errors = [d["output"]["executionResult"].get("errorDetails", {}).get("message", "") for d in details]
        return ExecutionResult(done["status"], " ".join(errors))

    def _action_details(self, execution_id: str) -> list[Any]:
        response = self.client("codepipeline").list_action_executions(
            pipelineName=_PIPELINE, filter={"pipelineExecutionId": execution_id}
        )
        return list(response["actionExecutionDetails"])

    def _pipeline_executions(self) -> list[Any]:
        response = self.client("codepipeline").list_pipeline_executions(pipelineName=_PIPELINE)
        return list(response["pipelineExecutionSummaries"])


def job_event(parameters: Mapping[str, Any], *, job: str = "", token: str | None = None) -> dict[str, Any]:
    """Return a job event for the trigger. The job does not exist, so that its result is refused."""
    configuration = {"FunctionName": "trigger", "UserParameters": json.dumps(parameters)}
    data: dict[str, Any] = {
        "actionConfiguration": {"configuration": configuration},
        "inputArtifacts": [],
        "outputArtifacts": [],
        "artifactCredentials": {"accessKeyId": "a", "secretAccessKey": "b", "sessionToken": "c"},
    }
    if token is not None:
        data["continuationToken"] = token
    return {"CodePipeline.job": {"id": job or str(uuid.uuid4()), "accountId": ACCOUNT, "data": data}}


def _zipped(files: Mapping[str, Any]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(f"{name}.json", json.dumps(content))
    return buffer.getvalue()


def continuation_token(job: str, execution: str, *, seconds: int) -> str:
    """Return the continuation token of an execution that started so many seconds ago."""
    started = int(time.time()) - seconds
    members = {"v": 1, "job": job, "since": started, "percent": 0, "execution": execution, "started": started}
    return json.dumps(members)
