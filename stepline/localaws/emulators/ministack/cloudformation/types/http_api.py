"""Adds the routes of AWS::ApiGatewayV2::Api in its definition or target, which ministack leaves out.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-apigatewayv2-api.html
"""

from __future__ import annotations

import json
from collections import defaultdict
from typing import Any, Final

import yaml
from ministack.services import apigateway, s3

from stepline.localaws.cloudformation.http_api_definition import HttpApiDefinition
from stepline.localaws.emulators.ministack.cloudformation.resource_types import (
    Properties,
    after_change,
    api_names,
)

_TYPE: Final = "AWS::ApiGatewayV2::Api"
_DEFAULT: Final = "$default"


def import_definitions() -> None:
    """Create routes, integrations and authorizers from Body, BodyS3Location or Target.

    An update replaces those that the resource has created, and no others.
    """
    imported: dict[str, _Imported] = defaultdict(_Imported)

    def apply(api_id: str, properties: Properties) -> None:
        imported.pop(api_id, _Imported()).remove(api_id)
        api = apigateway._apis[api_id]
        if document := _document(properties):
            definition = HttpApiDefinition.parse(document)
            if definition.title and not properties.get("Name"):
                api["name"] = definition.title
            if definition.cors:
                api["corsConfiguration"] = dict(definition.cors)
            imported[api_id].add(api_id, definition)
        elif properties.get("Target"):
            imported[api_id].add_target(api_id, properties)
        if cors := properties.get("CorsConfiguration"):
            api["corsConfiguration"] = api_names(cors)

    after_change(_TYPE, apply)


class _Imported:
    """What one definition has created: the ids by the name of ministack's table."""

    def __init__(self) -> None:
        self._ids: dict[str, list[str]] = {"_routes": [], "_integrations": [], "_authorizers": []}

    def add(self, api_id: str, definition: HttpApiDefinition) -> None:
        authorizers = {
            name: self._record("_authorizers", "authorizerId", apigateway._create_authorizer(api_id, request))
            for name, request in definition.authorizers.items()
        }
        for route in definition.routes:
            request = {**route.request, "authorizerId": authorizers.get(route.authorizer)}
            self._add_route(api_id, request, route.integration)

    def add_target(self, api_id: str, properties: Properties) -> None:
        """Create what the properties Target, RouteKey and CredentialsArn describe ("quick create")."""
        target = str(properties["Target"])
        is_address = target.startswith(("http://", "https://"))
        integration = {
            "integrationType": "HTTP_PROXY" if is_address else "AWS_PROXY",
            "integrationUri": target,
            "integrationMethod": "ANY" if is_address else "POST",
            "payloadFormatVersion": "1.0" if is_address else "2.0",
        }
        self._add_route(api_id, {"routeKey": properties.get("RouteKey", _DEFAULT)}, integration)
        if _DEFAULT not in apigateway._stages[api_id]:
            apigateway._create_stage(api_id, {"stageName": _DEFAULT, "autoDeploy": True})

    def remove(self, api_id: str) -> None:
        for table, ids in self._ids.items():
            for identifier in ids:
                getattr(apigateway, table).get(api_id, {}).pop(identifier, None)

    def _add_route(self, api_id: str, route: dict[str, Any], integration: Any) -> None:
        created = apigateway._create_integration(api_id, integration)
        identifier = self._record("_integrations", "integrationId", created)
        request = {**route, "target": f"integrations/{identifier}"}
        self._record("_routes", "routeId", apigateway._create_route(api_id, request))

    def _record(self, table: str, member: str, response: tuple[int, Any, bytes]) -> str:
        """Return the id in ministack's response. Raises ValueError with its message if it is an error."""
        status, _, body = response
        document = json.loads(body)
        if status >= 400:
            raise ValueError(f"{_TYPE}: {document['message']}")
        identifier: str = document[member]
        self._ids[table].append(identifier)
        return identifier


def _document(properties: Properties) -> dict[str, Any]:
    """Return the OpenAPI definition; empty without one. Raises ValueError if it cannot be read."""
    if body := properties.get("Body"):
        return dict(body)
    location = properties.get("BodyS3Location")
    if not location:
        return {}
    content = s3._get_object_data(location["Bucket"], location["Key"], location.get("Version"))
    if content is None:
        raise ValueError(f"{_TYPE}: s3://{location['Bucket']}/{location['Key']} does not exist")
    document = yaml.safe_load(content)
    return document if isinstance(document, dict) else {}
