"""The ways through the systems beside the pipeline."""

from __future__ import annotations

import configparser
import contextlib
import json
import tempfile
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from stepline.core.rest_apis import local_invoke_url
from tests.acceptance.deployment import Deployer, macro_name
from tests.acceptance.environment import PROJECT, SYSTEMS, Environment, StepFailedError
from tests.acceptance.steps import Step

_HTTP_SECONDS = 30
Run = Callable[[Environment], str]


def steps(deployer: Deployer) -> list[Step]:
    def deploy(system: str) -> Run:
        def run(environment: Environment) -> str:
            file = PROJECT / "statemachines" / system / "template.yaml"
            deployer.deploy(file, environment.stack_name(system), parameters(environment, system))
            return "deployed"

        return run

    def deploy_sample(environment: Environment) -> str:
        file = PROJECT / "statemachines/workflow/sample.yaml"
        deployer.deploy(file, sample_stack(environment), {})
        updater = ("--updater", environment.stack_name("workflow"))
        environment.stepline("workflow", "publish", "--stack", sample_stack(environment), *updater)
        return "deployed and published"

    ways: dict[str, list[tuple[str, str, Run]]] = {
        "s3_trigger": [
            ("upload", "SUCCEEDED, named after the object", _upload),
        ],
        "process": [
            ("start, state, data", "SUCCEEDED, data of step F", _process),
            ("without an API key", "403", _process_without_key),
        ],
        "batch": [
            ("push the image", "pushed", _push_image),
            ("three steps", "SUCCEEDED", _batch),
            ("wrong input", "FAILED: InvalidInputError", _batch_with_wrong_input),
        ],
        "workflow": [
            ("deploy the sample", "deployed and published", deploy_sample),
            ("deploy as developer", "SUCCEEDED, with the developer's definition", _deploy_as_developer),
            ("developer changes more", "AccessDenied", _change_more_as_developer),
        ],
    }
    return [
        Step(system, name, expected, run)
        for system in SYSTEMS
        for name, expected, run in [("deploy", "deployed", deploy(system)), *ways[system]]
    ]


def parameters(environment: Environment, system: str) -> dict[str, str]:
    if system == "workflow":
        sample = sample_stack(environment)
        names = ("WorkflowStackNames", "StateMachineNames", "StateMachineRoleNames")
        return {"MacroName": macro_name(environment), **dict.fromkeys(names, sample)}
    if system == "process":
        # The role for the logs of all APIs is a setting of the account: one that exists is kept.
        role = environment.client("apigateway").get_account().get("cloudwatchRoleArn", "")
        return {"ApiGatewayLogsRoleArn": role} if role else {}
    return {}


def sample_stack(environment: Environment) -> str:
    return f"{environment.stack_name('workflow')}-sample"


def _upload(environment: Environment) -> str:
    outputs = environment.outputs("s3_trigger")
    key = f"in/orders-{uuid.uuid4().hex[:8]}.csv"
    s3 = environment.client("s3")
    version = s3.put_object(Bucket=outputs["TargetBucketName"], Key=key, Body=b"id,amount\n1,2\n")[
        "VersionId"
    ]
    states = environment.client("stepfunctions")

    def find() -> Any:
        for item in states.list_executions(stateMachineArn=outputs["StateMachineArn"])["executions"]:
            described = states.describe_execution(executionArn=item["executionArn"])
            if json.loads(described["input"]).get("version") == version:
                return described if described["status"] != "RUNNING" else None
        return None

    execution = environment.wait_for(find, f"the execution for {key}", seconds=300)
    stem = key.rpartition("/")[2].partition(".")[0]
    named = "named after the object" if stem in execution["name"] else execution["name"]
    return f"{execution['status']}, {named}"


def _process(environment: Environment) -> str:
    outputs = environment.outputs("process")
    gateway = environment.client("apigateway")
    key = gateway.get_api_key(apiKey=outputs["ApiKeyId"], includeValue=True)["value"]
    order = {"processInput": {"order": 4711}}
    # A new key is valid after some seconds.
    started = environment.wait_for(
        lambda: _accepted(_request(environment, "start-process", key, order)), "start-process", seconds=120
    )
    query = f"transactionId={started['transactionId']}"

    def state() -> Any:
        found = _accepted(_request(environment, f"process-state?{query}", key))
        return found if found and found["status"] != "RUNNING" else None

    status = environment.wait_for(state, "the end of the process", seconds=300)["status"]
    data = _accepted(_request(environment, f"process-data?{query}", key)) or {}
    return f"{status}, {'data of step F' if 'stepF' in data else sorted(data)}"


def _process_without_key(environment: Environment) -> str:
    status, body = _request(environment, "process-state?transactionId=none", None)
    return f"{status} {body}"


def _accepted(response: tuple[int, Any]) -> Any:
    status, body = response
    return body if status < 300 else None


def _request(environment: Environment, path: str, key: str | None, body: Any = None) -> tuple[int, Any]:
    url, endpoint_url = environment.outputs("process")["ApiUrl"], environment.target.endpoint_url
    if endpoint_url:
        url = local_invoke_url(url, endpoint_url)
    request = urllib.request.Request(
        f"{url}/{path}",
        data=None if body is None else json.dumps(body).encode(),
        headers={} if key is None else {"x-api-key": key},
    )
    try:
        with urllib.request.urlopen(request, timeout=_HTTP_SECONDS) as response:
            return response.status, json.load(response)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read(200).decode(errors="replace")


def _push_image(environment: Environment) -> str:
    environment.stepline("image", "push", "--stack", environment.stack_name("batch"))
    return "pushed"


def _batch(environment: Environment) -> str:
    names = {"step1_parameter": "1", "step2_parameters": ["a", "b"], "step3_parameters": ["x"]}
    execution = _run_batch(environment, {"parameters": names})
    return f"{execution['status']} {execution.get('cause', '')}"


def _batch_with_wrong_input(environment: Environment) -> str:
    execution = _run_batch(environment, {"parameters": {"step1_parameter": "1"}})
    return f"{execution['status']}: {execution.get('error', '')}"


def _run_batch(environment: Environment, document: Any) -> dict[str, Any]:
    execution = environment.client("stepfunctions").start_execution(
        stateMachineArn=environment.outputs("batch")["StateMachineArn"], input=json.dumps(document)
    )
    return environment.wait_for_execution(execution["executionArn"])


def _deploy_as_developer(environment: Environment) -> str:
    message = f"of the acceptance run {uuid.uuid4().hex[:8]}"
    definition = {"StartAt": "Only", "States": {"Only": {"Type": "Pass", "Result": message, "End": True}}}
    with _developer(environment) as (variables, folder):
        file = folder / "workflow.asl.json"
        file.write_text(json.dumps(definition))
        stacks = ("--stack", sample_stack(environment), "--updater", environment.stack_name("workflow"))
        environment.stepline(
            "workflow", "deploy", str(file), *stacks, "--profile", "developer", variables=variables
        )
    states = environment.client("stepfunctions")
    machine = environment.outputs("workflow-sample")["StateMachineArn"]
    # An execution may still run the earlier definition for some seconds [UpdateStateMachine].
    described = environment.wait_for(
        lambda: message in states.describe_state_machine(stateMachineArn=machine)["definition"] or None,
        "the new definition",
        seconds=60,
    )
    execution = states.start_execution(stateMachineArn=machine)["executionArn"]
    ended = environment.wait_for_execution(execution)
    whose = "with the developer's definition" if described and message in ended.get("output", "") else "?"
    return f"{ended['status']}, {whose}"


def _change_more_as_developer(environment: Environment) -> str:
    """The developers' role may not touch the stack's role."""
    role = environment.outputs("workflow")["DeveloperRoleArn"]
    keys = environment.client("sts").assume_role(RoleArn=role, RoleSessionName="acceptance")["Credentials"]
    session: Any = environment.target.session
    iam = session.client(
        "iam",
        endpoint_url=environment.target.endpoint_url,
        aws_access_key_id=keys["AccessKeyId"],
        aws_secret_access_key=keys["SecretAccessKey"],
        aws_session_token=keys["SessionToken"],
    )
    try:
        iam.delete_role_policy(RoleName=sample_stack(environment), PolicyName="workflow")
    except iam.exceptions.ClientError as error:
        return str(error.response["Error"]["Code"])
    return "the developer deleted a policy"


@contextlib.contextmanager
def _developer(environment: Environment) -> Iterator[tuple[dict[str, str], Path]]:
    """Yield variables with the profile `developer`, which assumes the developers' role, and a folder."""
    profile = configparser.ConfigParser()
    profile["profile developer"] = {
        "role_arn": environment.outputs("workflow")["DeveloperRoleArn"],
        "credential_source": "Environment",
    }
    keys = environment.target.session.get_credentials()
    if keys is None:
        raise StepFailedError("the environment has no credentials")
    frozen = keys.get_frozen_credentials()
    with tempfile.TemporaryDirectory() as temporary:
        config = Path(temporary) / "config"
        with config.open("w") as file:
            profile.write(file)
        variables = {
            "AWS_CONFIG_FILE": str(config),
            "AWS_PROFILE": "",
            "AWS_ACCESS_KEY_ID": str(frozen.access_key),
            "AWS_SECRET_ACCESS_KEY": str(frozen.secret_key),
            **({"AWS_SESSION_TOKEN": frozen.token} if frozen.token else {}),
            **(
                {"AWS_ENDPOINT_URL": environment.target.endpoint_url}
                if environment.target.endpoint_url
                else {}
            ),
        }
        yield variables, Path(temporary)
