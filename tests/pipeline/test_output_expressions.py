"""Limits on the evaluation of output variables. All counts are of the interpreter, none is a time."""

from __future__ import annotations

import json
import sys
from typing import Any

import pytest
from hypothesis import given, settings

from pipeline import output_expressions
from pipeline.limits import MAX_EXPRESSION_STEPS, MAX_EXPRESSION_VALUE_CHARACTERS
from pipeline.outputs import output_variables
from tests.bad_input.strategies import hostile_expressions
from tests.pipeline.world import World

LISTS: list[Any] = [[] for _ in range(87_000)]
OBJECTS = [{"a": number % 10, "b": "x"} for number in range(15_000)]
TEXT = {"t": "\U0001f600" * 65_000}
STACKS = {"stacks": [{"name": f"stack-{number}", "status": "OK", "urls": ["u"]} for number in range(4000)]}


def joined(part: str, separator: str = "|") -> str:
    """Return `part` as often as it fits into UserParameters."""
    return separator.join([part] * (900 // (len(part) + len(separator))))


HOSTILE = {
    "list_doubles": (joined("[@,@]"), {"a": 1}),
    "list_doubles_in_150_characters": ("|".join(["[@,@]"] * 22), {"a": 1}),
    "object_doubles": (joined("{a:@,b:@}"), {"a": 1}),
    "text_doubles": ("t|" + joined("join('',[@,@])"), TEXT),
    "json_doubles": (joined("to_string([@,@])"), TEXT),
    "map_doubles": (joined("map(&[@,@],@)"), [1]),
    "merge_doubles": (joined("merge({a:@},{b:@})"), {"a": 1}),
    "separator_times_list": ("join(to_string(@),map(&'x',@))", LISTS),
    "values_compared": ("[" + ",".join(["t==reverse(t)"] * 60) + "]", TEXT),
    "list_flattened": (f"[{joined('@[]', ',')}]", LISTS),
    "list_sorted": (f"[{joined('sort_by(@,&a)', ',')}]", OBJECTS),
    "text_reversed": (f"[{joined('reverse(t)', ',')}]", TEXT),
    "list_filtered": (f"[{joined('[?a==`1`]', ',')}]", OBJECTS),
    "nested_projections": (f"[*]{'.[@,@,@,@]' * 80}", LISTS),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_costly_expression_is_left_out_and_the_others_are_given(name: str) -> None:
    """An earlier bug: 150 characters exhausted the memory, and a succeeded execution was never reported."""
    expression, document = HOSTILE[name]
    assert len(expression) < 1000
    result = output_variables(json.dumps(document), {"Costly": expression, "Type": "type(@)"})
    assert set(result.values) == {"Type"}
    assert result.left_out == ("Costly",)


def test_expression_nested_more_deeply_than_the_stack_is_left_out() -> None:
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(1000)  # Python's own; moto changes it
    try:
        result = output_variables("[1]", {"Deep": f"{'[' * 450}@{']' * 450}", "Type": "type(@)"})
    finally:
        sys.setrecursionlimit(limit)
    assert (result.values, result.left_out) == ({"Type": "array"}, ("Deep",))


@pytest.mark.parametrize(
    "expression",
    [
        "stacks[?status=='OK' && starts_with(name, 'stack-1')].name | [0]",
        "stacks[*].{n: name, s: status} | [0].n",
        "sort_by(stacks, &name)[-1].name",
        "length(stacks[?contains(urls, 'u')])",
        "length(join(', ', stacks[*].name))",
        "length(to_string(@))",
        "stacks[].urls[] | length(@)",
        "stacks == stacks",
    ],
)
def test_usual_expression_has_a_value_for_the_largest_output(expression: str) -> None:
    output = json.dumps(STACKS)
    assert len(output) > 200_000
    names = [f"V{number}" for number in range(5)]
    assert output_variables(output, dict.fromkeys(names, expression)).left_out == ()


@given(hostile_expressions)
@settings(max_examples=60, deadline=None)
def test_steps_and_sizes_stay_within_their_limits(expression: str) -> None:
    class Recorded(output_expressions._LimitedInterpreter):
        largest = 0

        def _size(self, value: Any) -> int:
            size: int = super()._size(value)
            self.largest = max(self.largest, size)
            return size

    interpreter = Recorded(MAX_EXPRESSION_STEPS)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(output_expressions, "_LimitedInterpreter", lambda _steps: interpreter)
        output_expressions.search_all({"A": expression}, {"a": [1, "x", None], "t": "y" * 1000})
    assert interpreter.steps <= MAX_EXPRESSION_STEPS
    assert len(interpreter._containers) < MAX_EXPRESSION_STEPS // 8
    # A new value is checked before it is used: it is as large as a few allowed ones at most.
    assert interpreter.largest <= len(expression) * MAX_EXPRESSION_VALUE_CHARACTERS


def test_succeeded_execution_is_reported_although_a_variable_is_too_costly(world: World) -> None:
    variables = {"Costly": HOSTILE["list_doubles_in_150_characters"][0], "Url": "url"}
    event, execution = world.start_execution({"input": {}, "outputVariables": variables})
    execution.succeed('{"url": "https://x"}')
    result = world.send(event)
    assert result["outputVariables"] == {"Url": "https://x"}
    assert (
        "Left out, being null, too large or not in the output: Costly."
        in result["executionDetails"]["summary"]
    )
