"""Patches ministack's REST APIs: API keys, errors of functions, and permissions that it does not check."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import ClientError
from ministack.core.arn import execute_api_arn
from ministack.services import apigateway_v1, lambda_svc

from stepline.localaws import service_policies
from stepline.localaws.emulators.ministack.cloudformation.resource_types import Properties, after_change
from stepline.localaws.iam import Actor
from stepline.localaws.service_roles import ServiceRoles

_SERVICE = "apigateway.amazonaws.com"
_INVOKE = "lambda:InvokeFunction"
_INTERNAL_ERROR = "Internal server error"
_BAD_LOGS_ROLE = (
    "The role ARN does not have required permissions configured."
    " Please grant trust permission for API Gateway and add the required role policy."
)


def add_api_key_to_event() -> None:
    """Add the API key of a request to the function's event if its method requires one; ministack does not.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-mapping-template-reference.html
    ($context.identity.apiKey and apiKeyId; "for API methods that don't require an API key, this is null")
    """
    original = apigateway_v1._build_lambda_event_v1

    def build(
        api_id: str, stage_name: str, stage: Any, resource: dict[str, Any], *args: Any, **options: Any
    ) -> Any:
        event = original(api_id, stage_name, stage, resource, *args, **options)
        methods = resource.get("resourceMethods", {})
        method = methods.get(event["httpMethod"]) or methods.get("ANY") or {}
        _, key = apigateway_v1._check_api_key(method, api_id, stage_name, event["headers"])
        if key is not None:
            event["requestContext"]["identity"] |= {"apiKey": key["value"], "apiKeyId": key["id"]}
        return event

    apigateway_v1._build_lambda_event_v1 = build


def hide_function_errors() -> None:
    """Return only 502 when a function fails; ministack returns its error and stack trace.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/handle-errors-in-lambda-integration.html
    """
    original = apigateway_v1._lambda_proxy_response

    def shape(result: dict[str, Any]) -> Any:
        return (None, _INTERNAL_ERROR) if result.get("error") else original(result)

    apigateway_v1._lambda_proxy_response = shape


def check_function_policies() -> None:
    """Return 500 if the function's policy does not allow the method; ministack checks no policy.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-control-access-using-iam-policies-to-invoke-api.html
    """
    original = apigateway_v1._invoke_lambda_proxy_v1

    async def invoke(
        integration: dict[str, Any], api_id: str, stage_name: str, *args: Any, **options: Any
    ) -> Any:
        _stage, _resource, path, method = args[:4]
        function = apigateway_v1._extract_lambda_ref_from_integration_uri(integration.get("uri", ""))
        owner = options["owner_region"], options["owner_account_id"]
        source = execute_api_arn(*owner, api_id, stage_name, method, path)
        found = lambda_svc.function_policy_for_arn(function)
        policy = found and found[0]
        if not service_policies.allows(policy, _SERVICE, _INVOKE, function, source_arn=source):
            return apigateway_v1._gw_error("API_CONFIGURATION_ERROR", _INTERNAL_ERROR)
        return await original(integration, api_id, stage_name, *args, **options)

    apigateway_v1._invoke_lambda_proxy_v1 = invoke


def check_logs_role(roles: ServiceRoles) -> None:
    """Refuse a role for the account's logs that API Gateway cannot assume; ministack accepts any.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-logging.html
    """
    original = apigateway_v1._update_account

    def is_assumable(role_arn: str) -> bool:
        try:
            roles.keys(Actor(_SERVICE, role_arn, "stepline"))
        except ClientError:
            return False
        return True

    def update(data: dict[str, Any]) -> Any:
        for operation in data.get("patchOperations", []):
            is_role = operation.get("path") == "/cloudwatchRoleArn" and operation.get("value")
            if is_role and not is_assumable(operation["value"]):
                return apigateway_v1._v1_error("BadRequestException", _BAD_LOGS_ROLE, 400)
        return original(data)

    def apply(_physical_id: str, properties: Properties) -> None:
        role_arn = properties.get("CloudWatchRoleArn")
        if role_arn and not is_assumable(role_arn):
            raise ValueError(f"AWS::ApiGateway::Account: {_BAD_LOGS_ROLE}")

    apigateway_v1._update_account = update
    after_change("AWS::ApiGateway::Account", apply)


def disable_api_keys() -> None:
    """Disable a key on UpdateApiKey; ministack stores the text "false", which it takes for true."""
    original = apigateway_v1._update_api_key

    def update(key_id: str, data: dict[str, Any]) -> Any:
        response = original(key_id, data)
        key = apigateway_v1._api_keys.get(key_id)
        if key is None:
            return response
        key["enabled"] = str(key["enabled"]).lower() == "true"
        return apigateway_v1._v1_response(key)

    apigateway_v1._update_api_key = update
