"""What a part of a template refers to."""

from __future__ import annotations

from stepline.localaws.cloudformation.references import condition_names, references

PROPERTIES = {
    "A": {"Fn::GetAtt": ["Role", "Arn"]},
    "B": [{"Fn::GetAtt": "Nested.Outputs.Url"}],
    "C": {"Fn::Sub": "${Queue.Arn} ${AWS::Region} ${ Parameter } ${!Literal.Arn}"},
    "D": {"Fn::Sub": ["${Topic.TopicName} ${Own}", {"Own": {"Fn::GetAtt": ["Table", "Arn"]}}]},
    "E": {"Ref": "Bucket"},
    "F": {"Fn::If": ["IsLarge", {"Ref": "Large"}, {"Fn::GetAtt": ["Small", "Arn"]}]},
    "G": {"Ref": {"no": "name"}, "Other": {"Fn::GetAtt": [{"Ref": "Parameter"}, "Arn"]}},
}


def named(conditions: dict[str, bool] | None = None) -> list[str]:
    found = references(PROPERTIES, conditions)
    return [f"{reference.name}.{reference.attribute}".rstrip(".") for reference in found]


def test_references_are_found_in_all_functions() -> None:
    always = ["Role.Arn", "Nested.Outputs.Url", "Queue.Arn", "AWS::Region", "Parameter", "Topic.TopicName"]
    assert named() == [*always, "Table.Arn", "Bucket", "Large", "Small.Arn"]
    assert named({"IsLarge": True}) == [*always, "Table.Arn", "Bucket", "Large"]
    assert named({"IsLarge": False}) == [*always, "Table.Arn", "Bucket", "Small.Arn"]
    assert named({}) == [*always, "Table.Arn", "Bucket"]


def test_conditions_are_found() -> None:
    assert list(condition_names(PROPERTIES)) == ["IsLarge"]
