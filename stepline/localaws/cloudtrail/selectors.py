"""Does a trail record this? Its event selectors say so, in their old and in their advanced form.

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
    """Whether one of a trail's selectors is about the record, which is of a data event of S3."""
    return any(_advanced(s, record) if "FieldSelectors" in s else _basic(s, record) for s in selectors)


def _basic(selector: Selector, record: Record) -> bool:
    wanted = selector.get("ReadWriteType", "All")
    if wanted == ("WriteOnly" if record["readOnly"] else "ReadOnly"):
        return False
    return any(
        _names(value, _object_arn(record))
        for resource in selector.get("DataResources", [])
        if resource.get("Type") == _OBJECT
        for value in resource.get("Values", [])
    )


def _names(value: str, arn: str) -> bool:
    """A bucket, as `arn:aws:s3:::bucket/`, with the beginning of a key; or all objects of the account."""
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
    """Of one field, one that is asked for must be there, and none that is forbidden.

    CloudTrail User Guide, "How CloudTrail evaluates multiple conditions for a field".
    """
    wanted = [test(value, text) for name, test in _TESTS.items() for text in field.get(name, [])]
    forbidden = [test(value, text) for name, test in _TESTS.items() for text in field.get(f"Not{name}", [])]
    return not any(forbidden) and (any(wanted) or not wanted)


def _object_arn(record: Record) -> str:
    return str(record["resources"][0]["ARN"])
