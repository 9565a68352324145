"""How ministack's REST APIs call the function behind them."""

from __future__ import annotations

from typing import Any

from ministack.services import apigateway_v1

_INTERNAL_ERROR = "Internal server error"


def tell_api_keys() -> None:
    """Tell a function whose API key a request came with, if its method requires one.

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


def keep_errors_inside() -> None:
    """Answer 502 and no more for a function that failed; ministack answers its error, with the stack trace.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/handle-errors-in-lambda-integration.html
    """
    original = apigateway_v1._lambda_proxy_response

    def shape(result: dict[str, Any]) -> Any:
        return (None, _INTERNAL_ERROR) if result.get("error") else original(result)

    apigateway_v1._lambda_proxy_response = shape
