"""Decides by a trail's event selectors, basic or advanced, whether it records a data event.

https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_EventSelector.html
https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_AdvancedFieldSelector.html
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from stepline.localaws.cloudtrail.records import Record

Selector = Mapping[str, Any]

_OBJECT: Final = "AWS::S3::Object"
_ALL_OBJECTS: Final = frozenset({"arn:aws:s3", "arn:aws:s3:::"})
_TESTS: Final[Mapping[str, Callable[[str, str], bool]]] = {
    "Equals": str.__eq__,
    "StartsWith": str.startswith,
    "EndsWith": str.endswith,
}


def selects(selectors: Iterable[Selector], record: Record) -> bool:
    """Whether one of the selectors matches the record of an S3 data event."""
    return any(_advanced(s, record) if "FieldSelectors" in s else _basic(s, record) for s in selectors)


def _basic(selector: Selector, record: Record) -> bool:
    read_write_type = selector.get("ReadWriteType", "All")
    if read_write_type == ("WriteOnly" if record["readOnly"] else "ReadOnly"):
        return False
    return any(
        _covers(value, _object_arn(record))
        for resource in selector.get("DataResources", [])
        if resource.get("Type") == _OBJECT
        for value in resource.get("Values", [])
    )


def _covers(value: str, arn: str) -> bool:
    """Whether `value`, all of S3 or a bucket (`arn:aws:s3:::bucket/`) with a key prefix, has the object."""
    return value in _ALL_OBJECTS or ("/" in value and arn.startswith(value))


def _advanced(selector: Selector, record: Record) -> bool:
    fields = {
        "eventCategory": record["eventCategory"],
        "eventName": record["eventName"],
        "eventSource": record["eventSource"],
        "readOnly": "true" if record["readOnly"] else "false",
        "resources.type": _OBJECT,
        "resources.ARN": _object_arn(record),
    }
    return all(_field(field, fields.get(field["Field"], "")) for field in selector["FieldSelectors"])


def _field(field: Mapping[str, Any], value: str) -> bool:
    """Whether the value matches one of the field's conditions, if any, and none of the negated ones.

    CloudTrail User Guide, "How CloudTrail evaluates multiple conditions for a field".
    """
    matches = [test(value, text) for name, test in _TESTS.items() for text in field.get(name, [])]
    excluded = [test(value, text) for name, test in _TESTS.items() for text in field.get(f"Not{name}", [])]
    return not any(excluded) and (any(matches) or not matches)


def _object_arn(record: Record) -> str:
    return str(record["resources"][0]["ARN"])
