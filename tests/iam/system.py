"""A deployed stack on a local AWS, used with unrestricted credentials."""

from __future__ import annotations

import json
import time
import urllib.request
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from typing import Any, Self

import boto3

from stepline.aws.stack_resources import list_all_resources
from stepline.deployment import stack as deployment
from stepline.deployment.stack import LOCAL_PARAMETERS
from stepline.deployment.template import read_template
from tests.iam.permissions import Permission
from tests.iam.stacks import APPLICATION, SAMPLE, Stack, stacks

ACCOUNT = "000000000000"
REGION = "us-east-1"
_HTTP_SECONDS = 10.0
_OWN_DENY = "with an explicit deny in an identity-based policy"
_POLL_SECONDS = 0.05


@dataclass(frozen=True)
class ExecutionResult:
    """How an execution of a state machine or of the pipeline ended."""

    status: str
    reason: str

    def assert_status(self, status: str) -> None:
        assert self.status == status, f"{self.status}: {self.reason}"


@dataclass(frozen=True)
class System:
    """`timeout_seconds`: how long `wait_for` waits."""

    endpoint_url: str
    stack_name: str = APPLICATION
    timeout_seconds: float = 60.0
    _clients: dict[str, Any] = field(default_factory=dict, compare=False)

    @property
    def session(self) -> boto3.Session:
        return _session()

    def client(self, service: str) -> Any:
        if service not in self._clients:
            session: Any = self.session
            self._clients[service] = session.client(service, endpoint_url=self.endpoint_url)
        return self._clients[service]

    def client_of(self, account: str, service: str, region: str = REGION) -> Any:
        """Return a client of another account."""
        session: Any = self.session
        keys = {"aws_access_key_id": account, "aws_secret_access_key": "x", "region_name": region}
        return session.client(service, endpoint_url=self.endpoint_url, **keys)

    @property
    def template(self) -> Stack:
        return stacks()[self.stack_name]

    @cached_property
    def resources(self) -> dict[str, str]:
        """Logical id -> physical id of each resource, with those of nested stacks."""
        found = list_all_resources(self.client("cloudformation"), self.stack_name)
        return {item["LogicalResourceId"]: item["PhysicalResourceId"] for item in found}

    @cached_property
    def outputs(self) -> dict[str, str]:
        stack = self.client("cloudformation").describe_stacks(StackName=self.stack_name)["Stacks"][0]
        return {item["OutputKey"]: item["OutputValue"] for item in stack.get("Outputs", [])}

    @property
    def sample(self) -> Self:
        """The stack of the system's `sample.yaml`."""
        return self.other_stack(self.stack_name + SAMPLE)

    def other_stack(self, stack_name: str) -> Self:
        """Return another stack of the same local AWS."""
        return replace(self, stack_name=stack_name)

    def deploy_with(self, parameters: Mapping[str, str]) -> None:
        """Update the stack with these parameters, and defaults for the others."""
        declared = read_template(self.template.template)["Parameters"]
        defaults = {name: str(item["Default"]) for name, item in declared.items() if "Default" in item}
        defaults |= {name: value for name, value in LOCAL_PARAMETERS.items() if name in declared}
        deployment.deploy(
            self.template.template,
            stack_name=self.stack_name,
            session=self.session,
            endpoint_url=self.endpoint_url,
            parameters=defaults | dict(parameters),
            report=lambda _line: None,
        )
        for name in ("resources", "outputs"):  # changed by the update
            self.__dict__.pop(name, None)

    # --- permissions

    def clear_record(self) -> None:
        """Clear the record of permissions, for all stacks."""
        self._record("DELETE")

    def used(self) -> dict[Permission, int]:
        """Return each permission that alone allowed a request, with the number of its resources concerned."""
        roles = dict(self._roles())
        used: dict[Permission, int] = {}
        for grant in self._record()["grants"]:
            if grant["alone"] and grant["role"] in roles:
                stack, role = roles[grant["role"]]
                permission = Permission(stack, role, grant["policy"], grant["statement"], grant["action"])
                used[permission] = used.get(permission, 0) + 1
        return used

    def _roles(self) -> Iterator[tuple[str, tuple[str, str]]]:
        """Yield the name of each role that the suite tests, with its stack and logical id."""
        for stack in stacks().values():
            if stack.suite == self.template.suite:
                resources = (
                    self.resources
                    if stack.name == self.stack_name
                    else self.other_stack(stack.name).resources
                )
                yield from ((physical, (stack.name, logical)) for logical, physical in resources.items())

    def allowed(self, action: str) -> int:
        """Return how often the action was allowed."""
        return sum(grant["allowed"] for grant in self._record()["grants"] if grant["action"] == action)

    def decided(self) -> set[str]:
        """Return the actions that were allowed or denied."""
        record = self._record()
        return {item["action"] for item in [*record["grants"], *record["denials"]]}

    def denials(self) -> list[str]:
        """Return the denials to the roles of all stacks, except those of a scenario's own Deny statement."""
        found = [denial["message"] for denial in self._record()["denials"]]
        return [message for message in found if not message.endswith(_OWN_DENY)]

    def _record(self, method: str = "GET") -> Any:
        request = urllib.request.Request(f"{self.endpoint_url}/_stepline/permissions", method=method)
        with urllib.request.urlopen(request, timeout=_HTTP_SECONDS) as response:
            return json.load(response)

    # --- executions, functions, stacks

    def start(self, request: Mapping[str, Any], *, machine: str, name: str = "") -> str:
        """Start the state machine of that name or ARN and return the execution's ARN."""
        arn = machine if machine.startswith("arn:") else _MACHINE + machine
        response = self.client("stepfunctions").start_execution(
            stateMachineArn=arn, name=name or str(uuid.uuid4()), input=json.dumps(request)
        )
        return str(response["executionArn"])

    def wait_for_execution(self, execution: str) -> ExecutionResult:
        response = self.wait_for(
            lambda: self.client("stepfunctions").describe_execution(executionArn=execution),
            lambda described: described["status"] != "RUNNING",
        )
        return ExecutionResult(response["status"], f"{response.get('error')}: {response.get('cause')}")

    def stack(self, name: str, template: Mapping[str, Any]) -> str:
        """Create a stack without stepline, wait, and return its id."""
        cloudformation = self.client("cloudformation")
        stack_id = cloudformation.create_stack(
            StackName=name, TemplateBody=json.dumps(template), Capabilities=["CAPABILITY_IAM"]
        )["StackId"]
        self.wait_for_stack(stack_id)
        return str(stack_id)

    def wait_for_stack(self, stack_id: str) -> str:
        """Wait until the stack's status is final, and return it."""
        describe = self.client("cloudformation").describe_stacks
        response = self.wait_for(
            lambda: describe(StackName=stack_id)["Stacks"][0],
            lambda stack: not stack["StackStatus"].endswith("_IN_PROGRESS"),
        )
        return str(response["StackStatus"])

    def assert_stack_status(self, stack_id: str, status: str) -> None:
        actual = self.wait_for_stack(stack_id)
        events = self.client("cloudformation").describe_stack_events(StackName=stack_id)["StackEvents"]
        failures = [event for event in reversed(events) if event["ResourceStatus"].endswith("_FAILED")]
        reason = failures[0].get("ResourceStatusReason", "") if failures else "no resource failed"
        assert actual == status, f"{actual}: {reason}"

    def invoke(self, function: str, event: Any) -> Any:
        """Invoke `<stack>-<function>` and return its response. Raises AssertionError if it fails."""
        name = f"{self.stack_name}-{function}"
        response = self.client("lambda").invoke(FunctionName=name, Payload=json.dumps(event))
        payload = json.loads(response["Payload"].read() or b"null")
        assert "FunctionError" not in response, payload
        return payload

    def restart(self, role: str | None = None) -> None:
        """Restart the role's functions, or all of the stack: their processes cache responses."""
        for function in self._functions_of(role):
            functions = self.client("lambda")
            configuration = functions.get_function_configuration(FunctionName=function)
            variables = configuration.get("Environment", {}).get("Variables", {})
            functions.update_function_configuration(
                FunctionName=function, Environment={"Variables": variables | {"RESTARTED": str(uuid.uuid4())}}
            )

    def _functions_of(self, role: str | None) -> list[str]:
        own = {"Fn::GetAtt": [role, "Arn"]}
        return [
            self.resources[logical_id]
            for logical_id, resource in self.template.resources.items()
            if resource["Type"] == "AWS::Serverless::Function"
            and (role is None or resource["Properties"].get("Role") == own)
            and logical_id in self.resources
        ]

    def settle(self) -> None:
        """Stop executions that would delay the next scenario."""

    def wait_for(self, read: Callable[[], Any], is_done: Callable[[Any], bool]) -> Any:
        """Call `read` until `is_done` accepts its result, and return that."""
        deadline = time.monotonic() + self.timeout_seconds
        while not is_done(result := read()):
            assert time.monotonic() < deadline, f"still {result}"
            time.sleep(_POLL_SECONDS)
        return result


@cache
def _session() -> boto3.Session:
    """Return the one session: loading the services' models takes long."""
    return boto3.Session(aws_access_key_id="developer", aws_secret_access_key="x", region_name=REGION)


_MACHINE = f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:"
