"""AWS clients of the tasks: each built once per container, when first needed.

botocore, not boto3: the same clients without the import of a layer that is not used.
`AWS_ENDPOINT_URL` is honoured, so the same functions work against a local AWS.
"""

from __future__ import annotations

import functools
from typing import Any, Final

import botocore.session
from botocore.config import Config

CONFIG: Final = Config(
    connect_timeout=3,
    read_timeout=12,  # a function has 60 seconds, and an answer of CloudFormation takes one or two
    retries={"mode": "standard", "total_max_attempts": 3},  # the state machine retries, too
)


@functools.cache
def client(service: str) -> Any:
    """The client of `service` under the function's role."""
    return _session().create_client(service, config=CONFIG)


@functools.cache
def _session() -> botocore.session.Session:
    return botocore.session.get_session()
