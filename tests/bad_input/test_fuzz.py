"""A few examples of each target of the fuzzer, always the same; `make fuzz` goes on for as long as it may."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from tests.bad_input.all_targets import all_targets
from tests.bad_input.targets import Target


@pytest.mark.filterwarnings("ignore:deprecated string literal")  # of JMESPath, for `x`
@pytest.mark.parametrize("target", all_targets(), ids=lambda target: target.name)
def test_every_example_has_one_clear_outcome(target: Target) -> None:
    @settings(
        max_examples=target.examples,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=[*HealthCheck],
    )
    @given(target.given)
    def run(example: Any) -> None:
        target.property(example)

    run()
