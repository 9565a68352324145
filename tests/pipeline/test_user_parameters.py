"""UserParameters that can be used, one case per file in cases/user_parameters.

`userParameters` is the text, or an object that is sent as JSON; `settings` are the members of
`UserParameters` that differ from the defaults. Those that cannot be used are in tests/bad_input.
"""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from pipeline.user_parameters import UserParameters, parse_user_parameters

CASES = sorted((Path(__file__).parent / "cases" / "user_parameters").glob("*.json"))


def members(parameters: UserParameters) -> dict[str, Any]:
    return {**dataclasses.asdict(parameters), "input": parameters.input._asdict()}


DEFAULTS = members(UserParameters())


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_case(path: Path) -> None:
    case: dict[str, Any] = json.loads(path.read_text())
    given = case["userParameters"]
    text = given if given is None or isinstance(given, str) else json.dumps(given)
    assert members(parse_user_parameters(text)) == {**DEFAULTS, **case["settings"]}
