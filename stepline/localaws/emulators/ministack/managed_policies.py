"""Patches ministack's IAM: it has few of AWS's managed policies, moto has all of them."""

from __future__ import annotations

import functools
import importlib.util
import json
from pathlib import Path
from typing import Any

from ministack.services import iam

_PREFIX = "arn:aws:iam::aws:policy/"


def add_managed_policies() -> None:
    """Find every managed policy of AWS; in ministack an unknown one allows nothing."""
    original = iam._lookup_policy

    def lookup(arn: str) -> dict[str, Any] | None:
        record: dict[str, Any] | None = original(arn)
        if record is None and str(arn).startswith(_PREFIX):
            record = _record(arn.removeprefix(_PREFIX))
            if record is not None:
                iam._aws_managed_policies[arn] = record
        return record

    iam._lookup_policy = lookup


def _record(path_and_name: str) -> dict[str, Any] | None:
    path, _, name = path_and_name.rpartition("/")
    policy = _policies().get(name)
    if policy is None or policy["Path"].strip("/") != path:
        return None
    record: dict[str, Any] = iam._make_aws_managed_record(path_and_name, json.dumps(policy["Document"]))
    return record


@functools.cache
def _policies() -> dict[str, Any]:
    """Return moto's policies by name. Only their file is loaded: importing the package takes a second."""
    package = importlib.util.find_spec("moto")
    assert package is not None
    assert package.submodule_search_locations is not None
    (folder, *_) = package.submodule_search_locations
    file = Path(folder) / "iam" / "aws_managed_policies.py"
    spec = importlib.util.spec_from_file_location("stepline_managed_policies", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    policies: dict[str, Any] = json.loads(module.aws_managed_policies_data)
    return policies
