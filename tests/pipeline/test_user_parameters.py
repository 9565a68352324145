"""Valid UserParameters, one case in each file of `cases/user_parameters/`.

`userParameters` is the text, or an object that is sent as JSON; `expected` are the members of
`UserParameters` that differ from the defaults. Invalid UserParameters are in `tests/bad_input/corpus/`.
"""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from pipeline.action_parameters import ActionParameters
from pipeline.user_parameters import parse_user_parameters

CASES = sorted((Path(__file__).parent / "cases" / "user_parameters").glob("*.json"))


def members(parameters: ActionParameters) -> dict[str, Any]:
    return {**dataclasses.asdict(parameters), "input": parameters.input._asdict()}


DEFAULTS = members(ActionParameters())


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_user_parameters_are_parsed(path: Path) -> None:
    case: dict[str, Any] = json.loads(path.read_text())
    value = case["userParameters"]
    text = value if value is None or isinstance(value, str) else json.dumps(value)
    assert members(parse_user_parameters(text)) == {**DEFAULTS, **case["expected"]}
