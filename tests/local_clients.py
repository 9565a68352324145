"""boto3 clients of running local AWSs, each created once: that takes longer than most requests."""

from __future__ import annotations

from functools import cache
from typing import Any

import boto3
from botocore.config import Config


@cache
def local_client(port: int, service: str, *, max_attempts: int = 1, **credentials: str) -> Any:
    """Return the client of the local AWS on `port`. Clients are thread-safe [doc: boto3, "Clients"]."""
    keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"} | credentials
    config = Config(retries={"total_max_attempts": max_attempts})
    return _session().client(  # type: ignore[call-overload]
        service, endpoint_url=f"http://127.0.0.1:{port}", config=config, **keys
    )


@cache
def _session() -> boto3.Session:
    return boto3.Session(region_name="us-east-1")
