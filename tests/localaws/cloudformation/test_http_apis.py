"""HTTP APIs of a stack: the routes of their definitions, as SAM writes them, and of a target."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Any

import pytest

from stepline.localaws.cloudformation.http_api_definition import HttpApiDefinition
from tests.localaws.cloudformation.deployments import Deployment, resources
from tests.localaws.running_server import Server

ROUTE = (
    "import json\ndef handler(event, context): return json.dumps(event.get('routeKey', event.get('path')))\n"
)
FUNCTION = {"InlineCode": ROUTE, "Handler": "index.handler", "Runtime": "python3.13"}


def sam(**definitions: Any) -> dict[str, Any]:
    return {**resources(**definitions), "Transform": "AWS::Serverless-2016-10-31"}


def event(path: str, method: str, **properties: Any) -> dict[str, Any]:
    return {"Type": "HttpApi", "Properties": {"Path": path, "Method": method, **properties}}


def call(
    server: Server, api: str, path: str, method: str = "GET", stage: str = "%24default"
) -> tuple[int, Any]:
    url = f"http://127.0.0.1:{server.port}/restapis/{api}/{stage}/_user_request_{path}"
    try:
        with urllib.request.urlopen(urllib.request.Request(url, method=method)) as response:
            return response.status, json.loads(response.read())
    except urllib.error.HTTPError as error:
        return error.code, None


def test_events_of_a_sam_function_are_routes(deployment: Deployment, server: Server) -> None:
    events = {"Any": {"Type": "HttpApi"}, "Get": event("/items/{id}", "get"), "Post": event("/items", "POST")}
    template = sam(Function=("AWS::Serverless::Function", {**FUNCTION, "Events": events}))
    template["Outputs"] = {"Api": {"Value": {"Ref": "ServerlessHttpApi"}}}
    api = deployment.create(template).outputs()["Api"]
    assert call(server, api, "/items/5") == (200, "GET /items/{id}")
    assert call(server, api, "/items", "POST") == (200, "POST /items")
    assert call(server, api, "/items", "PUT") == (200, "$default")

    events["Get"] = event("/orders", "get")
    del events["Any"]
    template["Resources"]["Function"]["Properties"]["Events"] = events
    deployment.update(template)
    assert call(server, api, "/orders") == (200, "GET /orders")
    assert call(server, api, "/items/5") == (404, None)


def test_target_of_an_api_is_its_default_route(deployment: Deployment, server: Server) -> None:
    template = sam(
        Function=("AWS::Serverless::Function", FUNCTION),
        Api=(
            "AWS::ApiGatewayV2::Api",
            {"Name": "quick", "ProtocolType": "HTTP", "Target": {"Fn::GetAtt": ["Function", "Arn"]}},
        ),
    )
    template["Outputs"] = {"Api": {"Value": {"Ref": "Api"}}}
    assert call(server, deployment.create(template).outputs()["Api"], "/any") == (200, "$default")


def integration(**members: Any) -> dict[str, Any]:
    return {"x-amazon-apigateway-integration": {"type": "aws_proxy", "uri": "arn", **members}}


@pytest.mark.parametrize(
    ("path", "method", "key"),
    [
        ("/a", "get", "GET /a"),
        ("/a", "x-amazon-apigateway-any-method", "ANY /a"),
        ("$default", "x-amazon-apigateway-any-method", "$default"),
        ("/$default", "x-amazon-apigateway-any-method", "$default"),
        ("/{proxy+}", "delete", "DELETE /{proxy+}"),
    ],
)
def test_route_key_consists_of_method_and_path(path: str, method: str, key: str) -> None:
    (route,) = HttpApiDefinition.parse({"paths": {path: {method: integration(), "summary": ""}}}).routes
    assert route.request["routeKey"] == key


def test_integration_may_be_shared() -> None:
    shared = {"type": "http_proxy", "httpMethod": "ANY", "uri": "https://x", "timeoutInMillis": "900"}
    reference = {"$ref": "#/components/x-amazon-apigateway-integrations/shared"}
    (route,) = HttpApiDefinition.parse(
        {
            "paths": {"/a": {"get": {"x-amazon-apigateway-integration": reference}}},
            "components": {"x-amazon-apigateway-integrations": {"shared": shared}},
        }
    ).routes
    assert route.integration == {
        "integrationType": "HTTP_PROXY",
        "integrationUri": "https://x",
        "integrationMethod": "ANY",
        "payloadFormatVersion": "1.0",
        "connectionType": "INTERNET",
        "timeoutInMillis": 900,
    }


def test_security_of_an_operation_selects_its_authorizer() -> None:
    token = {"issuer": "https://i", "audience": ["a"]}
    source = "$request.header.A, $request.querystring.b"
    schemes = {
        "Jwt": {"x-amazon-apigateway-authorizer": {"type": "jwt", "jwtConfiguration": token}},
        "Function": {"x-amazon-apigateway-authorizer": {"type": "request", "identitySource": source}},
        "Iam": {"x-amazon-apigateway-authtype": "awsSigv4"},
    }
    paths = {
        "/jwt": {"get": integration()},
        "/function": {"get": integration() | {"security": [{"Function": []}]}},
        "/iam": {"get": integration() | {"security": [{"Iam": []}]}},
        "/open": {"get": integration() | {"security": []}},
    }
    definition = HttpApiDefinition.parse(
        {"paths": paths, "components": {"securitySchemes": schemes}, "security": [{"Jwt": ["scope"]}]}
    )
    found = {
        route.request["routeKey"]: (route.request["authorizationType"], route.authorizer)
        for route in definition.routes
    }
    assert found == {
        "GET /jwt": ("JWT", "Jwt"),
        "GET /function": ("CUSTOM", "Function"),
        "GET /iam": ("AWS_IAM", "Iam"),
        "GET /open": ("NONE", ""),
    }
    assert definition.routes[0].request["authorizationScopes"] == ["scope"]
    assert definition.authorizers.keys() == {"Jwt", "Function"}
    assert definition.authorizers["Function"]["identitySource"] == [
        "$request.header.A",
        "$request.querystring.b",
    ]
