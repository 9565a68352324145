"""What all services of one local AWS run on: its settings, IAM, and clients to call each other with."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.config import Config

from stepline.localaws.iam import Enforcement
from stepline.localaws.service_roles import ServiceRoles, acting_client

_CLIENT_CONFIG = Config(
    inject_host_prefix=False,
    max_pool_connections=64,
    # A Lambda function may take 15 minutes, and an invocation must not be sent twice.
    read_timeout=910,
    retries={"total_max_attempts": 1},
    s3={"addressing_style": "path"},
)


@dataclass(frozen=True)
class ServerSettings:
    """`directory` holds all files of the server while it runs."""

    endpoint_url: str
    directory: Path
    account_id: str
    region: str


@dataclass(frozen=True)
class Platform:
    settings: ServerSettings
    enforcement: Enforcement
    roles: ServiceRoles

    @functools.cache  # noqa: B019 - the only instance lives as long as the process
    def client(self, service: str, region: str = "", account_id: str = "") -> Any:
        """Return a boto3 client that signs each request as the current actor. Creating one is slow.

        `region` and `account_id`: by default those of the settings.
        """
        return acting_client(
            service,
            roles=self.roles,
            endpoint_url=self.settings.endpoint_url,
            account_id=account_id or self.settings.account_id,
            region=region or self.settings.region,
            config=_CLIENT_CONFIG,
        )
