"""The addresses of REST and HTTP APIs, on AWS and on the local AWS."""

from __future__ import annotations

import re
from typing import Final

_INVOKE_URL: Final = re.compile(
    r"https?://(?P<api>[a-z0-9]+)\.execute-api\.[^/]+(?:/(?P<stage>[\w-]*)(?P<path>/.*)?)?"
)
_DEFAULT_STAGE: Final = "%24default"
"""`$default`, the stage of an HTTP API whose address has none."""


def local_invoke_url(value: str, endpoint_url: str) -> str:
    """Return the address of a deployed REST or HTTP API at the local AWS, which is that of ministack.

    Any other `value` is returned as it is. On AWS the address is
    https://<api>.execute-api.<region>.<domain>/<stage>/<path>.
    https://docs.aws.amazon.com/apigateway/latest/developerguide/how-to-call-api.html
    The stage `$default` is not part of it.
    https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-stages.html
    """
    found = _INVOKE_URL.fullmatch(value)
    if found is None:
        return value
    path = found["path"] or ""
    stage = found["stage"] or _DEFAULT_STAGE
    return f"{endpoint_url.rstrip('/')}/restapis/{found['api']}/{stage}/_user_request_{path}"
