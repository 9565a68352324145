"""The names that AWS services have in `aws-sdk` tasks and their errors: those of AWS's SDK for Java.

`arn:aws:states:::aws-sdk:cloudwatchlogs:createLogGroup` calls the service that boto3 calls `logs`, and fails
with errors such as `CloudWatchLogs.ResourceAlreadyExistsException`. Both names come from the service's id in
its model, "CloudWatch Logs" [guide, "Learning to use AWS service SDK integrations"].
"""

from __future__ import annotations

import functools
import gzip
import re
from pathlib import Path
from typing import Final

import botocore
import botocore.session

from stepline.localaws.protocol.service import service_model

_WORD_BOUNDARIES: Final = tuple(
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        (r"[^A-Za-z0-9]+", " "),
        (r"([^a-z]{2,})v([0-9]+)", r"\1 v\2 "),
        (r"([^A-Z]{2,})V([0-9]+)", r"\1 V\2 "),
        (r"([a-z])([A-Z])", r"\1 \2"),
        (r"([A-Z]+)([A-Z][a-z])", r"\1 \2"),
        (r"([0-9])([a-zA-Z])", r"\1 \2"),
    )
)
"""Where the words of an id end [aws/aws-sdk-java-v2, naming strategy]: `SESv2` is `SES v2`."""
_SERVICE_ID: Final = re.compile(rb'"serviceId"\s*:\s*"([^"]+)"')
_METADATA_BYTES: Final = 4_000
"""The beginning of a service model that contains its metadata [measured: 2,000]."""


@functools.cache
def boto_service_name(api_name: str) -> str | None:
    """Return boto3's name of the service that a resource names, or None if there is none."""
    name = api_name.lower()
    if name in _boto_names() and _normalized(service_model(name).service_id) == name:
        return name
    return _boto_names_by_id().get(name)


@functools.cache
def error_prefix(boto_name: str) -> str:
    """Return what the names of a service's errors begin with: `S3`, `Ssm`, `DynamoDb`, `CloudWatchLogs`."""
    return _class_name(str(service_model(boto_name).service_id))


def _class_name(service_id: str) -> str:
    """Return the name of the SDK's classes: `Config Service` is Config."""
    for pattern, replacement in _WORD_BOUNDARIES:
        service_id = pattern.sub(replacement, service_id)
    name = "".join(word[0].upper() + word[1:].lower() for word in service_id.split())
    return name.removeprefix("Amazon").removeprefix("Aws").removesuffix("Service")


def _normalized(service_id: str) -> str:
    return _class_name(service_id).lower()


@functools.cache
def _boto_names() -> frozenset[str]:
    return frozenset(botocore.session.get_session().get_available_services())


@functools.cache
def _boto_names_by_id() -> dict[str, str]:
    """Read the ids of all services, without their operations: all models together take many seconds."""
    data = Path(botocore.__file__).parent / "data"
    found = {}
    for name in _boto_names():
        models = sorted((data / name).glob("*/service-2.json*"))
        if models and (service_id := _read_id(models[-1])):
            found[_normalized(service_id)] = name
    return found


def _read_id(model: Path) -> str | None:
    opener = gzip.open if model.suffix == ".gz" else open
    with opener(model, "rb") as file:
        found = _SERVICE_ID.search(file.read(_METADATA_BYTES))
    return found[1].decode() if found else None
