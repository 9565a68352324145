"""UserParameters, one case per file in cases/user_parameters: settings, or the error as a pattern.

`userParameters` is the text, or an object that is sent as JSON; `settings` are the members of
`UserParameters` that differ from the defaults.
"""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import UserParametersError
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
    if "error" in case:
        with pytest.raises(UserParametersError, match=case["error"]):
            parse_user_parameters(text)
    else:
        assert members(parse_user_parameters(text)) == {**DEFAULTS, **case["settings"]}


@pytest.mark.parametrize(
    "text",
    ["{" * 900, '{"input":' + '{"a":' * 150 + "1" + "}" * 151, '{"a":"\\ud800"}', "{\x00", '{"input":{}}}'],
)
def test_nonsense_is_a_clear_error_or_settings(text: str) -> None:
    try:
        parse_user_parameters(text)
    except UserParametersError as error:
        assert error.message.isprintable()  # noqa: PT017
