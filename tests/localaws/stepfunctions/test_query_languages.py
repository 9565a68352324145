"""JSONata, JSONPath and variables: what expressions return, and how they fail."""

from __future__ import annotations

import hashlib
import json
import threading
import uuid
from typing import Any

import pytest

from tests.localaws.stepfunctions.world import World

JSONPATH = {"StartAt": "A", "States": {"A": {"Type": "Pass", "Parameters": {"a": 1}, "End": True}}}
JSONATA = {
    "QueryLanguage": "JSONata",
    "StartAt": "A",
    "States": {"A": {"Type": "Pass", "Output": {"a": "{% 1 %}"}, "End": True}},
}
MIXED_UP = {"QueryLanguage": "JSONata", **JSONPATH}


def validation(world: World, definition: Any) -> str:
    response = world.client.validate_state_machine_definition(definition=json.dumps(definition))
    return str(response["result"])


def query(world: World, expression: str, data: Any = None) -> Any:
    states = {"Q": {"Type": "Pass", "Output": f"{{% {expression} %}}", "End": True}}
    return world.run(states, data, QueryLanguage="JSONata", name=f"m{uuid.uuid4()}").output


def test_refused_definition_leaves_later_ones_valid(world: World) -> None:
    for _ in range(3):
        assert validation(world, MIXED_UP) == "FAIL"
        assert validation(world, JSONPATH) == "OK"
        assert validation(world, JSONATA) == "OK"


def test_definitions_of_both_languages_are_validated_at_the_same_time(world: World) -> None:
    found: list[str] = []

    def validate(number: int) -> None:
        definition = JSONATA if number % 2 else JSONPATH
        found.extend(validation(world, {**definition, "Comment": f"{number} {i}"}) for i in range(10))

    threads = [threading.Thread(target=validate, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(found) == {"OK"}
    assert len(found) == 80


def test_jsonpath_states_run_inside_a_jsonata_map_of_a_jsonpath_machine(world: World) -> None:
    """[recorded: only a *machine* with QueryLanguage JSONata has no JSONPath states]"""
    inner = {"P": {"Type": "Pass", "QueryLanguage": "JSONPath", "Parameters": {"n.$": "$"}, "End": True}}
    state = {
        "Type": "Map",
        "QueryLanguage": "JSONata",
        "Items": "{% $states.input %}",
        "ItemProcessor": {"StartAt": "P", "States": inner},
        "End": True,
    }
    assert world.run({"Each": state}, [1, 2]).output == [{"n": 1}, {"n": 2}]


def test_uuid_is_a_new_one_each_time(world: World) -> None:
    first, second = query(world, "[$uuid(), $uuid()]")
    assert uuid.UUID(first).version == uuid.UUID(second).version == 4
    assert first != second


@pytest.mark.parametrize(
    ("algorithm", "function"), [("MD5", hashlib.md5), ("SHA-1", hashlib.sha1), ("SHA-512", hashlib.sha512)]
)
def test_hash_is_that_of_the_text(world: World, algorithm: str, function: Any) -> None:
    assert query(world, f"$hash('ä', '{algorithm}')") == function("ä".encode()).hexdigest()


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("$partition([1,2,3,4,5], 2)", [[1, 2], [3, 4], [5]]),
        ("$range(1, 9, 2)", [1, 3, 5, 7, 9]),
        ("$range(9, 1, -4)", [9, 5, 1]),
        ('$parse("{\\"a\\": 1}")', {"a": 1}),
        ("$random(5) = $random(5)", True),
        ("$random() < 1", True),
        ("$distinct([1, 1, 2])", [1, 2]),
        ("$distinct([1, 1])", [1]),
        ("[1,2,3][$ > 2]", 3),
        ("[1..3].($ * 2)", [2, 4, 6]),
        ("[1..3]", [1, 2, 3]),
        ("null", None),
        ("{'a': null}", {"a": None}),
        ("$states.input.a", None),
        ("$type($states.input.a)", "null"),
        ("$states.input.list[1]", {"b": None}),
        ("$states.context.Execution.Input.text", 'say "x" \\ {% %}\n'),
        ("$count($states.input.list)", 2),
    ],
)
def test_jsonata_returns(world: World, expression: str, expected: Any) -> None:
    data = {"a": None, "list": [1, {"b": None}], "text": 'say "x" \\ {% %}\n'}
    assert query(world, expression, data) == expected


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        ("$missing", "returned nothing (undefined)."),
        ("$states.input.nothing", "returned nothing (undefined)."),
        ("$eval('1')", "threw an error during evaluation. T1006: Attempted to invoke a non-function"),
        ("$sum", "returned an unsupported result type."),
        ("1 +", "threw an error during evaluation. S0207: "),
    ],
)
def test_failed_expression_names_its_field(world: World, expression: str, reason: str) -> None:
    state = {"Type": "Pass", "Output": {"a": [{"b": f"{{% {expression} %}}"}]}, "End": True}
    outcome = world.run({"Q": state}, {}, QueryLanguage="JSONata")
    assert outcome.description["error"] == "States.QueryEvaluationError"
    assert outcome.description["cause"].startswith(
        "An error occurred while executing the state 'Q' (entered at the event id #2). The JSONata "
        f"expression '{expression}' specified for the field 'Output/a[0]/b' {reason}"
    )
    details = outcome.history[-2]["evaluationFailedEventDetails"]
    assert (details["location"], details["state"]) == ("Output/a[0]/b", "Q")


@pytest.mark.parametrize("text", ['say "x"', "a\\b", "line\nbreak", "tab\t", "/", "ü", "\N{GRINNING FACE}"])
@pytest.mark.parametrize("ascii_only", [False, True])
def test_literal_text_is_kept(world: World, text: str, ascii_only: bool) -> None:
    states = {
        "Assign": {"Type": "Pass", "Assign": {"v": text, "w": {"x": [text]}}, "Next": "Use"},
        "Use": {
            "Type": "Pass",
            "Parameters": {"v.$": "$v", "w.$": "$w.x[0]", text: text},
            "End": True,
        },
    }
    definition = json.dumps({"StartAt": "Assign", "States": states}, ensure_ascii=ascii_only)
    arn = world.client.create_state_machine(
        name="texts", definition=definition, roleArn="arn:aws:iam::000000000000:role/machine"
    )["stateMachineArn"]
    execution = world.start(arn)
    world.virtual_clock.run()
    description = world.client.describe_execution(executionArn=execution)
    assert json.loads(description["output"]) == {"v": text, "w": text, text: text}
