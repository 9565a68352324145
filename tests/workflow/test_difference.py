"""What is shown of a change: states by their names, then lines."""

from __future__ import annotations

from typing import Any

from stepline.workflow.difference import line_changes, state_changes


def machine(**states: Any) -> dict[str, Any]:
    return {"StartAt": "A", "States": states}


def test_states_are_added_removed_and_changed() -> None:
    before = machine(A={"Type": "Pass", "Next": "B"}, B={"Type": "Succeed"}, Same={"Type": "Fail"})
    after = machine(A={"Type": "Pass", "Next": "C"}, C={"Type": "Succeed"}, Same={"Type": "Fail"})
    assert state_changes(before, after) == ["~ A", "+ C", "- B"]


def test_what_is_in_no_state_is_the_machine() -> None:
    assert state_changes(machine(), {**machine(), "TimeoutSeconds": 1}) == ["~ the machine"]


def test_a_change_deep_inside_is_told_where_it_is() -> None:
    def mapped(inner: str, **more: Any) -> dict[str, Any]:
        return machine(
            M={"Type": "Map", "ItemProcessor": machine(I={"Type": inner}), **more},
            P={"Type": "Parallel", "Branches": [machine(X={"Type": "Pass"}), machine(Y={"Type": inner})]},
        )

    assert state_changes(mapped("Pass"), mapped("Wait")) == ["~ M / I", "~ P / Y"]
    assert state_changes(mapped("Pass"), mapped("Pass", MaxConcurrency=1)) == ["~ M"]


def test_the_start_of_a_map_belongs_to_the_map() -> None:
    before, after = (machine(M={"Type": "Map", "Iterator": {"StartAt": s, "States": {}}}) for s in "XY")
    assert state_changes(before, after) == ["~ M"]


def test_layout_is_no_difference() -> None:
    assert line_changes({"a": 1}, {"a": 1}) == []
    assert line_changes({"a": "ä"}, {"a": "b"})[3:] == [" {", '-  "a": "ä"', '+  "a": "b"', " }"]


def test_what_is_no_machine_is_compared_all_the_same() -> None:
    assert state_changes({"States": {"A": "text"}}, {"States": []}) == ["- A"]
