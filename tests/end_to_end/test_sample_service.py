"""The sample service on the deployed process, and the templates of the dashboard and the VPC."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.local_aws import LocalAws
from tests.ports import free_port

pytestmark = pytest.mark.xdist_group("systems")

PROJECT = Path(__file__).parents[2]
TEMPLATES = PROJECT / "statemachines" / "process"
STACK = "stepline-process"


@pytest.fixture(scope="module")
def service(systems: LocalAws) -> Iterator[str]:
    """The URL of the service, started with the command of the documentation."""
    port = free_port()
    aws = {
        "AWS_ENDPOINT_URL": systems.endpoint_url,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "statemachines.process.sample_service", "--stack", STACK, "--port", str(port)],
        cwd=PROJECT,
        env=systems.environment | aws,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline().startswith(
        f"Serving on http://127.0.0.1:{port} for {systems.endpoint_url}/"
    )
    yield f"http://127.0.0.1:{port}"
    process.terminate()
    process.communicate(timeout=30)
    assert process.returncode == 0


def _call(url: str, document: Any = None) -> tuple[int, Any]:
    body = None if document is None else json.dumps(document).encode()
    try:
        with urllib.request.urlopen(urllib.request.Request(url, data=body), timeout=60) as response:
            return response.status, json.load(response)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def test_response_has_the_data_of_the_process(service: str) -> None:
    status, response = _call(f"{service}/p1", {"order": 7})
    assert (status, response["state"]) == (200, "SUCCEEDED")
    assert response["data"]["processInput"] == {"order": 7}
    assert {f"step{letter}" for letter in "ABCDEF"} <= response["data"].keys()
    status, resumed = _call(f"{service}/p1/{response['transactionId']}")
    assert (status, resumed["state"]) == (200, "SUCCEEDED")


def test_unknown_transaction_is_not_found(service: str) -> None:
    status, response = _call(f"{service}/p1/00000000-0000-4000-8000-000000000000")
    assert (status, response["error"]) == (404, "TransactionNotFoundError")


def _deploy(systems: LocalAws, name: str, template: str, **parameters: str) -> dict[str, str]:
    """Create a stack and return its outputs."""
    cloudformation = systems.client("cloudformation")
    cloudformation.create_stack(
        StackName=name,
        TemplateBody=(TEMPLATES / template).read_text(),
        Capabilities=["CAPABILITY_IAM"],
        Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
    )
    waiter = cloudformation.get_waiter("stack_create_complete")
    waiter.wait(StackName=name, WaiterConfig={"Delay": 0.2, "MaxAttempts": 100})
    (stack,) = cloudformation.describe_stacks(StackName=name)["Stacks"]
    return {item["OutputKey"]: item["OutputValue"] for item in stack["Outputs"]}


def test_dashboard_shows_the_state_machine_of_the_process(systems: LocalAws) -> None:
    outputs = _deploy(systems, "some-dashboard", "dashboard.yaml", ProcessStackName=STACK)
    dashboard = systems.client("cloudwatch").get_dashboard(DashboardName=outputs["DashboardName"])
    assert "arn:aws:states:us-east-1:000000000000:stateMachine:stepline-process-process" in json.dumps(
        json.loads(dashboard["DashboardBody"])
    )


def test_private_subnets_of_the_vpc_have_a_route_to_a_nat_gateway(systems: LocalAws) -> None:
    outputs = _deploy(systems, "some-vpc", "vpc.yaml", InterfaceEndpoints="true")
    ec2 = systems.client("ec2")
    private = outputs["SubnetIds"].split(",")
    zones = {item["AvailabilityZone"] for item in ec2.describe_subnets(SubnetIds=private)["Subnets"]}
    assert len(zones) == 2
    of_vpc = [{"Name": "vpc-id", "Values": [outputs["VpcId"]]}]
    (gateway,) = ec2.describe_nat_gateways(Filters=of_vpc)["NatGateways"]
    assert gateway["SubnetId"] in outputs["PublicSubnetIds"].split(",")
    for subnet in private:
        by_subnet = [{"Name": "association.subnet-id", "Values": [subnet]}]
        (table,) = ec2.describe_route_tables(Filters=by_subnet)["RouteTables"]
        routes = {route["DestinationCidrBlock"]: route.get("NatGatewayId") for route in table["Routes"]}
        assert routes["0.0.0.0/0"] == gateway["NatGatewayId"]
    (group,) = ec2.describe_security_groups(GroupIds=[outputs["SecurityGroupIds"]])["SecurityGroups"]
    (rule,) = group["IpPermissionsEgress"]
    assert (rule["FromPort"], rule["ToPort"], group["IpPermissions"]) == (443, 443, [])
