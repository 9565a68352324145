"""AWS Batch with all that its jobs need, as the local AWS runs it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from stepline.localaws.batch.containers import ProcessContainers
from stepline.localaws.batch.fargate import Fargate, Roles
from stepline.localaws.batch.image_store import ImageStore
from stepline.localaws.batch.service import Batch
from stepline.localaws.clock import Clock
from stepline.localaws.events import EventSink


def start_batch(
    stack: contextlib.ExitStack,
    *,
    directory: Path,
    endpoint_url: str,
    clock: Clock,
    clients: Callable[[str], Any],
    roles: Roles,
    events: EventSink,
    account_id: str,
    region: str,
) -> Batch:
    """`stack` kills the jobs and removes their files, which lie below `directory`."""
    fargate = Fargate(
        ImageStore(directory / "images", endpoint_url),
        roles=roles,
        clients=clients,
        endpoint_url=endpoint_url,
        account_id=account_id,
        region=region,
    )
    containers = ProcessContainers(directory / "jobs", fargate)
    stack.callback(containers.close)
    return Batch(clock=clock, containers=containers, events=events, account_id=account_id, region=region)
