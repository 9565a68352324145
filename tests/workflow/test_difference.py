"""The states and lines that differ between two definitions."""

from __future__ import annotations

from typing import Any

from stepline.workflow.difference import line_changes, state_changes


def machine(**states: Any) -> dict[str, Any]:
    return {"StartAt": "A", "States": states}


def test_added_removed_and_changed_states_are_listed() -> None:
    before = machine(A={"Type": "Pass", "Next": "B"}, B={"Type": "Succeed"}, Same={"Type": "Fail"})
    after = machine(A={"Type": "Pass", "Next": "C"}, C={"Type": "Succeed"}, Same={"Type": "Fail"})
    assert state_changes(before, after) == ["~ A", "+ C", "- B"]


def test_change_outside_of_states_is_a_change_of_the_machine() -> None:
    assert state_changes(machine(), {**machine(), "TimeoutSeconds": 1}) == ["~ the machine"]


def test_change_of_an_inner_state_has_its_path() -> None:
    def mapped(inner: str, **more: Any) -> dict[str, Any]:
        return machine(
            M={"Type": "Map", "ItemProcessor": machine(I={"Type": inner}), **more},
            P={"Type": "Parallel", "Branches": [machine(X={"Type": "Pass"}), machine(Y={"Type": inner})]},
        )

    assert state_changes(mapped("Pass"), mapped("Wait")) == ["~ M / I", "~ P / Y"]
    assert state_changes(mapped("Pass"), mapped("Pass", MaxConcurrency=1)) == ["~ M"]


def test_change_of_start_at_in_a_map_is_a_change_of_the_map() -> None:
    before, after = (machine(M={"Type": "Map", "Iterator": {"StartAt": s, "States": {}}}) for s in "XY")
    assert state_changes(before, after) == ["~ M"]


def test_lines_do_not_depend_on_the_layout() -> None:
    assert line_changes({"a": 1}, {"a": 1}) == []
    assert line_changes({"a": "ä"}, {"a": "b"})[3:] == [" {", '-  "a": "ä"', '+  "a": "b"', " }"]


def test_malformed_definitions_are_compared() -> None:
    assert state_changes({"States": {"A": "text"}}, {"States": []}) == ["- A"]
