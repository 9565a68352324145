"""Adds public parameters to ministack's Systems Manager, which has two of them."""

from __future__ import annotations

import functools
from typing import Any

from ministack.core import responses
from ministack.services import ssm

from stepline.localaws.systems_manager import public_parameter

_IMAGE_PREFIX = "ami-"


def add_public_parameters() -> None:
    original = ssm._public_parameter

    @functools.wraps(original)
    def find(name: str) -> Any:
        parameter = original(name)
        if parameter is not None:
            return parameter
        region = responses.get_region()
        value = public_parameter(name, region)
        if value is None:
            return None
        return {
            "Name": name,
            "Type": "String",
            "Value": value,
            "Version": 1,
            "LastModifiedDate": 0,
            "ARN": f"arn:aws:ssm:{region}::parameter{name}",
            "DataType": "aws:ec2:image" if value.startswith(_IMAGE_PREFIX) else "text",
        }

    ssm._public_parameter = find
