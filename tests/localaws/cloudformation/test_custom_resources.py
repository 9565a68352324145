"""Custom resources: their functions have the modules that Lambda gives code in a template, and may fail."""

from __future__ import annotations

import shutil
from typing import Any

import pytest

from tests.localaws.cloudformation.deployments import Deployment, resources
from tests.localaws.running_server import Server

TRUST = {
    "Statement": {
        "Effect": "Allow",
        "Principal": {"Service": "lambda.amazonaws.com"},
        "Action": "sts:AssumeRole",
    }
}
PYTHON = """
import cfnresponse

def handler(event, context):
    name = event["ResourceProperties"]["Name"]
    cfnresponse.send(event, context, cfnresponse.SUCCESS, {"Greeting": f"Hello, {name}"}, "id-" + name)
"""
COMMON_JS = """
const response = require('cfn-response')
exports.handler = (event, context) => {
  const name = event.ResourceProperties.Name
  response.send(event, context, response.SUCCESS, {Greeting: `Hello, ${name}`}, `id-${name}`)
}
"""
HTTPS = """
const https = require('https'), url = require('url')
exports.handler = async (event, context) => {
  const body = JSON.stringify({
    Status: 'SUCCESS', PhysicalResourceId: 'id-' + event.ResourceProperties.Name, StackId: event.StackId,
    RequestId: event.RequestId, LogicalResourceId: event.LogicalResourceId,
    Data: {Greeting: 'Hello, ' + event.ResourceProperties.Name}
  })
  const target = url.parse(event.ResponseURL)
  await new Promise((resolve, reject) => {
    const options = {
      hostname: target.hostname, path: target.path, method: 'PUT', headers: {'content-length': body.length}
    }
    https.request(options, resolve).on('error', reject).end(body)
  })
}
"""


def template(code: str, runtime: str, **properties: str) -> dict[str, Any]:
    role = {"Fn::GetAtt": ["Role", "Arn"]}
    function = {"Runtime": runtime, "Handler": "index.handler", "Role": role, "Code": {"ZipFile": code}}
    token = {"Fn::GetAtt": ["Function", "Arn"]}
    return resources(
        Role=("AWS::IAM::Role", {"AssumeRolePolicyDocument": TRUST}),
        Function=("AWS::Lambda::Function", function),
        Thing=("Custom::Thing", {"ServiceToken": token, **properties}),
    ) | {"Outputs": {"Greeting": {"Value": {"Fn::GetAtt": ["Thing", "Greeting"]}}}}


needs_node = pytest.mark.skipif(shutil.which("node") is None, reason="Node.js is not installed")


@pytest.mark.parametrize(
    ("code", "runtime"),
    [
        pytest.param(PYTHON, "python3.13", id="cfnresponse"),
        pytest.param(COMMON_JS, "nodejs22.x", id="cfn-response", marks=needs_node),
        pytest.param(HTTPS, "nodejs22.x", id="https without the port", marks=needs_node),
    ],
)
def test_function_answers(server: Server, code: str, runtime: str) -> None:
    stack = Deployment.on(server).create(template(code, runtime, Name="you"))
    assert stack.outputs() == {"Greeting": "Hello, you"}
    assert stack.physical_ids()["Thing"] == "id-you"
    changes = stack.update(template(code, runtime, Name="all"))
    assert changes["Thing"]["Replacement"] == "Conditional"
    assert stack.outputs() == {"Greeting": "Hello, all"}


@pytest.mark.parametrize(
    ("code", "runtime", "reason"),
    [
        ("def handler(event, context): raise KeyError('Name')", "python3.13", "failed: KeyError: 'Name'"),
        ("puts 'x'", "ruby3.4", "runs functions of Python and Node.js runtimes"),
    ],
)
def test_failing_function_fails_its_resource_at_once(
    server: Server, code: str, runtime: str, reason: str
) -> None:
    reasons = Deployment.on(server).create_failing(template(code, runtime))
    assert reason in reasons[0]
