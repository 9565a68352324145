"""Adds AWS::ApiGatewayV2::Deployment to ministack's CloudFormation; its API Gateway has deployments."""

from __future__ import annotations

import json

from ministack.services import apigateway

from stepline.localaws.emulators.ministack.cloudformation.resource_types import (
    Properties,
    Resource,
    add_type,
)

_TYPE = "AWS::ApiGatewayV2::Deployment"


def add_deployment_type() -> None:
    """Add the type. A stage that it names serves the deployment.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-apigatewayv2-deployment.html
    """

    def create(_logical_id: str, properties: Properties, _stack_name: str) -> Resource:
        api = properties["ApiId"]
        request = {"description": properties.get("Description", "")}
        status, _, body = apigateway._create_deployment(api, request)
        response = json.loads(body)
        if status >= 400:
            raise ValueError(f"{_TYPE}: {response['message']}")
        identifier = response["deploymentId"]
        if stage := apigateway._stages.get(api, {}).get(properties.get("StageName")):
            stage["deploymentId"] = identifier
        return identifier, {"DeploymentId": identifier}

    def update(physical_id: str, _old: Properties, new: Properties, _stack_name: str) -> Resource:
        deployment = apigateway._deployments[new["ApiId"]][physical_id]
        deployment["description"] = new.get("Description", "")
        return physical_id, {"DeploymentId": physical_id}

    def delete(physical_id: str, properties: Properties) -> None:
        apigateway._delete_deployment(properties["ApiId"], physical_id)

    add_type(_TYPE, create, update, delete)
