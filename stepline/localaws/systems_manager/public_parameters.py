"""Makes up values for the public parameters of Systems Manager, `/aws/service/…`, which AWS fills.

Values have the form of AWS's, so that templates can use them; they name nothing that exists.
https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-public-parameters.html
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from typing import Final

PREFIX: Final = "/aws/service/"
_REGISTRY_ACCOUNTS: Final = {"aws-for-fluent-bit": "906394416424", "cloudwatch-agent": "123456789012"}
_INFRASTRUCTURE: Final = f"{PREFIX}global-infrastructure/"
_VERSION: Final = "1.0.0"
_IMAGE: Final = re.compile(r"[/_-]ami(?:$|[/_-])|/(?:canonical|debian|suse|freebsd|marketplace)/")
_RECOMMENDED: Final = re.compile(r"/recommended$")


def public_parameter(name: str, region: str) -> str | None:
    """Return the value of a public parameter in the region, or None if AWS has no such names."""
    if not name.startswith(PREFIX):
        return None
    if name.startswith(_INFRASTRUCTURE):
        return _infrastructure(name.removeprefix(_INFRASTRUCTURE))
    last = name.rpartition("/")[2]
    for ending, value in _MEMBERS.items():
        if last == ending:
            return value(name, region)
    if _RECOMMENDED.search(name):
        return _recommended(name, region)
    for product, account in _REGISTRY_ACCOUNTS.items():
        if name.startswith(f"{PREFIX}{product}/"):
            return f"{account}.dkr.ecr.{region}.amazonaws.com/{product}:{last}"
    if _IMAGE.search(name):
        return _image_id(name, region)
    return None


def _image_id(name: str, region: str) -> str:
    """Return the id of an image, the same for each form of the parameter's name."""
    group = name.removesuffix("/image_id").removesuffix("/recommended").removesuffix("/latest")
    return f"ami-{hashlib.sha256(f'{region} {group}'.encode()).hexdigest()[:17]}"


def _image_name(name: str, _region: str) -> str:
    return name.removeprefix(PREFIX).replace("/", "-")


def _version(_name: str, _region: str) -> str:
    return _VERSION


_MEMBERS: Final[Mapping[str, Callable[[str, str], str]]] = {
    "image_id": _image_id,
    "image_name": _image_name,
    "image_version": _version,
    "release_version": _version,
    "ecs_agent_version": _version,
    "ecs_runtime_version": lambda _name, _region: f"Docker version {_VERSION}",
    "os": lambda _name, _region: "Amazon Linux",
    "source_image_name": _image_name,
    "schema_version": lambda _name, _region: "1",
}


def _recommended(name: str, region: str) -> str:
    """Return the metadata of an image for ECS or EKS, as JSON."""
    found = {
        "ecs_agent_version": _VERSION,
        "ecs_runtime_version": f"Docker version {_VERSION}",
        "image_id": _image_id(name, region),
        "image_name": _image_name(name, region),
        "os": "Amazon Linux",
        "release_version": _VERSION,
        "schema_version": "1",
        "source_image_name": _image_name(name, region),
    }
    return json.dumps(found)


def _infrastructure(name: str) -> str | None:
    """Return facts of regions, such as `regions/us-east-1/longName`; others are not known here."""
    parts = name.split("/")
    if parts[0] == "regions" and len(parts) <= 3:
        region = parts[1] if len(parts) > 1 else ""
        members = {"": region, "longName": region, "partition": "aws", "domain": "amazonaws.com"}
        return members.get(parts[2] if len(parts) == 3 else "")
    return parts[-1] if len(parts) == 2 else None
