"""The addresses of REST APIs, on AWS and on the local AWS."""

from __future__ import annotations

import re
from typing import Final

_INVOKE_URL: Final = re.compile(
    r"https://(?P<api>[a-z0-9]+)\.execute-api\.[^/]+/(?P<stage>[\w-]+)(?P<path>/.*)?"
)


def local_invoke_url(value: str, endpoint_url: str) -> str:
    """Return the address of a deployed REST API at the local AWS, which is that of ministack.

    Any other `value` is returned as it is. On AWS the address is
    https://<api>.execute-api.<region>.<domain>/<stage>/<path>.
    https://docs.aws.amazon.com/apigateway/latest/developerguide/how-to-call-api.html
    """
    found = _INVOKE_URL.fullmatch(value)
    if found is None:
        return value
    path = found["path"] or ""
    return f"{endpoint_url.rstrip('/')}/restapis/{found['api']}/{found['stage']}/_user_request_{path}"
