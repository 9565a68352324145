"""Shows the outputs of a stack so that they are of use with the local AWS."""

from __future__ import annotations

import re
from collections.abc import Mapping

from stepline.aws.local_servers import LocalAws

_API_URL = re.compile(r"https://(?P<api>[a-z0-9]+)\.execute-api\.[^/]+/(?P<stage>[\w-]+)(?P<path>/.*)?")
_API_KEY_ID = "ApiKeyId"


def local_outputs(outputs: Mapping[str, str], local_aws: LocalAws) -> dict[str, str]:
    """Return the outputs with addresses of REST APIs on the local AWS, and how to read the API key.

    The address of API Gateway on AWS does not exist locally. The local one is that of ministack.
    """
    shown = {name: _local_address(value, local_aws) for name, value in outputs.items()}
    if key_id := outputs.get(_API_KEY_ID):
        shown["API key"] = (
            f"aws apigateway get-api-key --endpoint-url {local_aws.endpoint_url} --api-key {key_id} "
            "--include-value --query value --output text"
        )
    return shown


def _local_address(value: str, local_aws: LocalAws) -> str:
    found = _API_URL.fullmatch(value)
    if found is None:
        return value
    path = f"/restapis/{found['api']}/{found['stage']}/_user_request_{found['path'] or ''}"
    return local_aws.endpoint_url + path
