"""The graphs of definitions: of all in the repository, and of what the language allows."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from stepline.aws.workflow_graph import Edge, EdgeKind, Node, WorkflowGraph, parse_workflow
from stepline.core.errors import InvalidInputError

ROOT = Path(__file__).parents[2]


class _Loader(yaml.SafeLoader):
    """Reads templates, whatever their tags."""


_Loader.add_multi_constructor("!", lambda *_tag: None)


def _definitions() -> Iterator[tuple[str, Any]]:
    """Yield each definition of the repository: a JSON or YAML file, or a member of one."""
    for folder in ("statemachines", "examples", "tests", "benchmarks", "stepline"):
        for path in sorted((ROOT / folder).rglob("*.*")):
            for document in _documents(path):
                for place, definition in _found(document):
                    yield f"{path.relative_to(ROOT)}{place}", definition


def _documents(path: Path) -> Iterator[Any]:
    if path.suffix not in {".json", ".yaml", ".yml"} or "StartAt" not in path.read_text():
        return
    with contextlib.suppress(ValueError, yaml.YAMLError):  # bad input is among the cases of tests
        yield json.loads(path.read_text()) if path.suffix == ".json" else _yaml(path)


def _yaml(path: Path) -> Any:
    return yaml.load(path.read_text(), _Loader)


def _found(value: Any, place: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        if isinstance(value.get("States"), dict) and "StartAt" in value:
            yield place, value
            return
        for key, member in value.items():
            yield from _found(member, f"/{key}" if not place else f"{place}/{key}")
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _found(item, f"{place}/{index}")


ALL = dict(_definitions())


def _scopes(definition: Any) -> Iterator[dict[str, Any]]:
    yield definition["States"]
    for state in definition["States"].values():
        inner = [state.get("ItemProcessor"), state.get("Iterator"), *state.get("Branches", [])]
        for branch in inner:
            if branch:
                yield from _scopes(branch)


def _transitions(states: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for name, state in states.items():
        targets = [state.get("Next"), state.get("Default")]
        targets += [rule["Next"] for rule in state.get("Choices", []) + state.get("Catch", [])]
        yield from ((name, target) for target in targets if target in states)


def test_definitions_of_the_repository_are_found() -> None:
    assert len(ALL) >= 15
    assert "statemachines/deploy/deploy.asl.json" in ALL


@pytest.mark.parametrize("place", ALL)
def test_every_state_is_a_node_and_every_transition_an_edge(place: str) -> None:
    definition = ALL[place]
    graph = parse_workflow(definition)
    scopes = list(_scopes(definition))
    assert sorted(node.name for node in graph.nodes) == sorted(name for states in scopes for name in states)
    names = {node.id: node.name for node in graph.nodes}
    shown = sorted((names[edge.source], names[edge.target]) for edge in graph.edges)
    assert shown == sorted(edge for states in scopes for edge in _transitions(states))
    assert all(len(edge.label) <= 60 for edge in graph.edges)
    assert all(edge.label for edge in graph.edges if edge.kind in {EdgeKind.CHOICE, EdgeKind.CATCH})
    start = definition["StartAt"]  # of a definition that AWS refuses, it may not exist
    assert graph.start == (start if start in definition["States"] else None)


def graph_of(**states: Any) -> WorkflowGraph:
    return parse_workflow(json.dumps({"StartAt": next(iter(states)), "States": states}))


def test_task_has_its_resource_retries_and_catches() -> None:
    retry = [{"ErrorEquals": ["A", "B"], "MaxAttempts": 5}, {"ErrorEquals": ["C"]}]
    retry.append({"ErrorEquals": ["States.ALL"], "MaxAttempts": 0})
    catch = [{"ErrorEquals": ["A", "B"], "Next": "End"}]
    task = {
        "Type": "Task",
        "Comment": "why",
        "Resource": "arn:x",
        "Retry": retry,
        "Catch": catch,
        "Next": "End",
    }
    graph = graph_of(Do=task, End={"Type": "Succeed"})
    assert graph.nodes == (
        Node(
            "Do",
            "Do",
            "Task",
            comment="why",
            resource="arn:x",
            retries=("A, B: 5 retries", "C: 3 retries", "States.ALL: never retried"),
            is_start=True,
        ),
        Node("End", "End", "Succeed", is_end=True),
    )
    assert graph.edges == (
        Edge("Do", "End", EdgeKind.NEXT),
        Edge("Do", "End", EdgeKind.CATCH, "A, B"),
    )


def test_states_of_maps_and_branches_have_their_container() -> None:
    inner = {"StartAt": "Each", "States": {"Each": {"Type": "Pass", "End": True}}}
    other = {"StartAt": "Other", "States": {"Other": {"Type": "Pass", "End": True}}}
    branches = {"Type": "Parallel", "Branches": [inner, other], "End": True}
    processor = {"StartAt": "Both", "States": {"Both": branches}, "ProcessorConfig": {"Mode": "DISTRIBUTED"}}
    graph = graph_of(Map={"Type": "Map", "ItemProcessor": processor, "End": True})
    places = [(node.id, node.parent, node.branch, node.is_start) for node in graph.nodes]
    assert places == [
        ("Map", None, 0, True),
        ("Both", "Map", 0, True),
        ("Each", "Both", 0, True),
        ("Other", "Both", 1, True),
    ]
    assert [node.is_distributed for node in graph.nodes] == [True, False, False, False]


def test_iterator_is_an_old_item_processor() -> None:
    iterator = {"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}}
    graph = graph_of(Map={"Type": "Map", "Iterator": iterator, "End": True})
    assert [(node.id, node.parent) for node in graph.nodes] == [("Map", None), ("A", "Map")]


def test_repeated_name_has_another_id_and_its_own_transitions() -> None:
    again = {"StartAt": "A", "States": {"A": {"Type": "Pass", "Next": "B"}, "B": {"Type": "Succeed"}}}
    graph = graph_of(A={"Type": "Map", "ItemProcessor": again, "Next": "B"}, B={"Type": "Succeed"})
    assert [(node.id, node.name) for node in graph.nodes] == [
        ("A", "A"),
        ("B", "B"),
        ("A/0/A", "A"),
        ("A/0/B", "B"),
    ]
    assert [(edge.source, edge.target) for edge in graph.edges] == [("A", "B"), ("A/0/A", "A/0/B")]


@pytest.mark.parametrize(
    ("rule", "label"),
    [
        ({"Variable": "$.n", "NumericLessThan": 3}, "$.n < 3"),
        ({"Variable": "$.n", "NumericGreaterThanEqualsPath": "$.m"}, "$.n >= $.m"),
        ({"Variable": "$.s", "StringEquals": "é"}, '$.s = "é"'),
        ({"Variable": "$.s", "StringMatches": "a*"}, '$.s matches "a*"'),
        ({"Variable": "$.b", "BooleanEquals": True}, "$.b = true"),
        ({"Variable": "$.x", "IsPresent": True}, "$.x is present"),
        ({"Variable": "$.x", "IsNull": False}, "$.x is not null"),
        ({"Variable": "$.x", "IsNumeric": True}, "$.x is a number"),
        ({"Not": {"Variable": "$.x", "IsPresent": True}}, "not ($.x is present)"),
        (
            {
                "Or": [
                    {"And": [{"Variable": "$.a", "IsNull": True}, {"Variable": "$.b", "IsNull": True}]},
                    {"Variable": "$.c", "BooleanEquals": False},
                ]
            },
            "($.a is null and $.b is null) or $.c = false",
        ),
        ({"Condition": "{% $states.input.n\n > 3 %}"}, "$states.input.n > 3"),
        ({"Variable": "$.x", "StringEquals": "a", "Comment": "is it a?"}, "is it a?"),
        ({"Variable": "$.x", "SomethingNew": [1]}, "$.x SomethingNew [1]"),
        ({"Variable": "$.x", "StringEquals": "a" * 99}, '$.x = "' + "a" * 52 + "…"),
    ],
)
def test_condition_is_readable(rule: dict[str, Any], label: str) -> None:
    choice = {"Type": "Choice", "Choices": [{**rule, "Next": "B"}], "Default": "A"}
    graph = graph_of(A=choice, B={"Type": "Succeed"})
    assert graph.edges == (Edge("A", "B", EdgeKind.CHOICE, label), Edge("A", "A", EdgeKind.DEFAULT))


def test_unknown_types_and_fields_are_no_error() -> None:
    graph = graph_of(
        A={"Type": "Dream", "Depth": 3, "Next": "B", "Comment": 7, "Resource": [], "Retry": {"a": 1}},
        B={"Next": "Nowhere", "Catch": ["x"], "Choices": [{}], "Branches": 3, "ItemProcessor": {"States": 1}},
        C={"Type": "Map", "Iterator": [], "ItemProcessor": {"States": {"D": 3}}},
    )
    assert [(node.id, node.type) for node in graph.nodes] == [("A", "Dream"), ("B", ""), ("C", "Map")]
    assert [(edge.source, edge.target) for edge in graph.edges] == [("A", "B")]
    assert parse_workflow("{}") == WorkflowGraph((), (), None)


@pytest.mark.parametrize("definition", ["", "no JSON", "[]", "{" * 100_000])
def test_definition_that_is_no_object_is_refused(definition: str) -> None:
    with pytest.raises(InvalidInputError, match="definition"):
        parse_workflow(definition)


def test_five_hundred_states_take_less_than_a_tenth_of_a_second() -> None:
    catch = [{"ErrorEquals": ["States.ALL"], "Next": "S0"}]
    states = {f"S{n}": {"Type": "Task", "Next": f"S{n + 1}", "Catch": catch} for n in range(500)}
    text = json.dumps({"StartAt": "S0", "States": states})
    begin = time.process_time()
    graph = parse_workflow(text)
    assert time.process_time() - begin < 0.1
    assert (len(graph.nodes), len(graph.edges)) == (500, 999)


def test_deeply_nested_definition_is_parsed() -> None:
    definition: dict[str, Any] = {"StartAt": "S", "States": {"S": {"Type": "Succeed"}}}
    for level in range(3_000):
        state = {"Type": "Map", "ItemProcessor": definition, "End": True}
        definition = {"StartAt": f"M{level}", "States": {f"M{level}": state}}
    assert len(parse_workflow(definition).nodes) == 3_001
