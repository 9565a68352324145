"""Shows the outputs of a stack so that they are of use with the local AWS."""

from __future__ import annotations

from collections.abc import Mapping

from stepline.aws.local_servers import LocalAws
from stepline.core.rest_apis import local_invoke_url

_API_KEY_ID = "ApiKeyId"


def local_outputs(outputs: Mapping[str, str], local_aws: LocalAws) -> dict[str, str]:
    """Return the outputs with addresses of REST APIs on the local AWS, and how to read the API key.

    The address of API Gateway on AWS does not exist locally.
    """
    shown = {name: local_invoke_url(value, local_aws.endpoint_url) for name, value in outputs.items()}
    if key_id := outputs.get(_API_KEY_ID):
        shown["API key"] = (
            f"aws apigateway get-api-key --endpoint-url {local_aws.endpoint_url} --api-key {key_id} "
            "--include-value --query value --output text"
        )
    return shown
