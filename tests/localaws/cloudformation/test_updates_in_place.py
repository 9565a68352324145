"""Updates that AWS makes in place keep the physical id; those that replace a resource delete the old one."""

from __future__ import annotations

from typing import Any

from tests.localaws.cloudformation.deployments import Deployment, resources
from tests.localaws.running_server import Server

API = "AWS::ApiGateway::RestApi"


def body(*paths: str) -> dict[str, Any]:
    mock = {"responses": {}, "x-amazon-apigateway-integration": {"type": "mock"}}
    return {
        "openapi": "3.0.1",
        "info": {"title": "t", "version": "1"},
        "paths": {path: {"get": mock} for path in paths},
    }


def test_rest_api_keeps_its_id_when_its_body_changes(server: Server, deployment: Deployment) -> None:
    deployment_of_api = ("AWS::ApiGateway::Deployment", {"RestApiId": {"Ref": "Api"}, "StageName": "live"})

    def template(*paths: str) -> dict[str, Any]:
        return resources(Api=(API, {"Body": body(*paths)}), D=deployment_of_api)

    apigateway = server.client("apigateway")
    deployment.create(template("/orders", "/orders/{id}"))
    api_id = deployment.physical_ids()["Api"]
    (root,) = [item for item in apigateway.get_resources(restApiId=api_id)["items"] if item["path"] == "/"]
    changes = deployment.update(template("/orders", "/invoices"))
    assert changes["Api"]["Replacement"] == "False"
    assert deployment.physical_ids()["Api"] == api_id
    found = {item["path"]: item for item in apigateway.get_resources(restApiId=api_id)["items"]}
    assert found.keys() == {"/", "/orders", "/invoices"}
    assert found["/"]["id"] == found["/orders"]["parentId"] == root["id"]
    assert [stage["stageName"] for stage in apigateway.get_stages(restApiId=api_id)["item"]] == ["live"]
    assert [api["id"] for api in apigateway.get_rest_apis()["items"]] == [api_id]


def test_stage_of_another_api_is_deleted_when_it_is_replaced(server: Server, deployment: Deployment) -> None:
    """Both stages have the same physical id, their name."""

    def template(api: str) -> dict[str, Any]:
        apis = {
            name: ("AWS::ApiGatewayV2::Api", {"Name": name, "ProtocolType": "HTTP"}) for name in ("A", "B")
        }
        stage = {"ApiId": {"Ref": api}, "StageName": "live", "AutoDeploy": True}
        return resources(**apis, S=("AWS::ApiGatewayV2::Stage", stage))

    def stages(api: str) -> list[str]:
        items = server.client("apigatewayv2").get_stages(ApiId=deployment.physical_ids()[api])["Items"]
        return [stage["StageName"] for stage in items]

    deployment.create(template("A"))
    changes = deployment.update(template("B"))
    assert changes["S"]["Replacement"] == "True"
    assert (stages("A"), stages("B")) == ([], ["live"])


def test_replacement_has_another_name_and_the_old_one_is_deleted(
    server: Server, deployment: Deployment
) -> None:
    def template(fifo: bool) -> dict[str, Any]:
        return resources(Q=("AWS::SQS::Queue", {"FifoQueue": True} if fifo else {}))

    deployment.create(template(False))
    old = deployment.physical_ids()["Q"]
    deployment.update(template(True))
    new = deployment.physical_ids()["Q"]
    urls = server.client("sqs").list_queues().get("QueueUrls", [])
    assert new != old
    assert (old in urls, new in urls) == (False, True)


def test_tags_of_the_stack_replace_nothing(deployment: Deployment) -> None:
    """Tags are create-only for this type."""
    resources_of_compute = {
        "Type": "FARGATE",
        "MaxvCpus": 1,
        "Subnets": ["subnet-1"],
        "SecurityGroupIds": ["sg-1"],
    }
    compute = {"Type": "MANAGED", "ComputeResources": resources_of_compute}
    template = resources(Compute=("AWS::Batch::ComputeEnvironment", compute))
    deployment.create(template)
    before = deployment.physical_ids()
    tags = [{"Key": "team", "Value": "orders"}]
    changes = deployment.preview(template, tags=tags)
    assert changes["Compute"]["Replacement"] == "False"
    assert changes["Compute"]["Scope"] == ["Tags"]
    deployment.execute()
    assert deployment.physical_ids() == before
