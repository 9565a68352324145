"""Converts Python values to and from JSON, by botocore shape.

In AWS's JSON protocol a timestamp is a number of seconds since 1970 and a blob is base64 text; all other
values are plain JSON.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from stepline.localaws.protocol.errors import SerializationException

if TYPE_CHECKING:
    from botocore.model import Shape


def to_wire(shape: Shape | None, value: Any) -> Any:
    """Return `value` as data for `json.dumps`, without members that are None.

    A datetime must be aware. Raises KeyError for a member that the shape does not have, which is a bug of the
    service.
    """
    if shape is None or value is None:
        return value
    type_name: str = shape.type_name
    if type_name == "structure":
        members = shape.members  # type: ignore[attr-defined]
        return {name: to_wire(members[name], item) for name, item in value.items() if item is not None}
    if type_name == "list":
        return [to_wire(shape.member, item) for item in value]  # type: ignore[attr-defined]
    if type_name == "map":
        return {key: to_wire(shape.value, item) for key, item in value.items()}  # type: ignore[attr-defined]
    if type_name == "timestamp":
        return value.timestamp() if isinstance(value, datetime) else value
    if type_name == "blob":
        return base64.b64encode(value).decode()
    return value


def from_wire(shape: Shape, value: Any) -> Any:
    """Return the request's JSON as Python values: blobs as bytes, timestamps as aware datetimes.

    Members that the shape does not have are left out. Raises SerializationException for an invalid blob.
    """
    if value is None:
        return None
    type_name: str = shape.type_name
    if type_name == "structure" and isinstance(value, Mapping):
        members = shape.members  # type: ignore[attr-defined]
        return {
            name: from_wire(members[name], item)
            for name, item in value.items()
            if name in members and item is not None
        }
    if type_name == "list" and isinstance(value, list):
        return [from_wire(shape.member, item) for item in value]  # type: ignore[attr-defined]
    if type_name == "map" and isinstance(value, Mapping):
        return {key: from_wire(shape.value, item) for key, item in value.items()}  # type: ignore[attr-defined]
    if type_name == "timestamp" and isinstance(value, (int, float)):
        return datetime.fromtimestamp(value, UTC)
    if type_name == "blob" and isinstance(value, str):
        try:
            return base64.b64decode(value, validate=True)
        except binascii.Error as error:
            raise SerializationException("A blob is not valid base64") from error
    return value
