"""Macros: their event, scope and order, and what their responses mean."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from stepline.localaws.cloudformation.macros import Expansion, MacroError, custom_macros, macro_names
from stepline.localaws.cloudformation.names import Arns

ARNS = Arns("000000000000", "us-east-1")


class Macros:
    """Each macro returns `responses[name](event)`, by default its fragment with a mark of its name."""

    def __init__(self, **responses: Any) -> None:
        self.responses = responses
        self.events: list[dict[str, Any]] = []
        self.hosted: list[str] = []

    async def invoke(self, name: str, payload: bytes) -> bytes | None:
        event = json.loads(payload)
        self.events.append(event)
        if name in self.responses:
            response: bytes | None = self.responses[name](event)
            return response
        return success(event, {**event["fragment"], f"by {name}": len(self.events)})

    def apply_hosted(self, template: dict[str, Any], name: str) -> dict[str, Any]:
        self.hosted.append(name)
        return {**template, f"by {name}": len(self.events)}

    def expand(self, template: dict[str, Any], **values: Any) -> Any:
        return asyncio.run(Expansion(ARNS, self.invoke, self.apply_hosted, values).expand(template))


def success(event: dict[str, Any], fragment: Any) -> bytes:
    return json.dumps({"requestId": event["requestId"], "status": "Success", "fragment": fragment}).encode()


def call(name: str, **parameters: Any) -> dict[str, Any]:
    return {"Name": name, "Parameters": parameters}


def test_macro_gets_its_siblings_and_parameters_unevaluated() -> None:
    macros = Macros()
    properties = {"A": {"Ref": "P"}, "Fn::Transform": call("M", Key={"Ref": "P"})}
    expanded = macros.expand({"Resources": {"R": {"Type": "T", "Properties": properties}}}, P="value")
    (event,) = macros.events
    request = event.pop("requestId")
    assert request
    assert event == {
        "region": "us-east-1",
        "accountId": "000000000000",
        "fragment": {"A": {"Ref": "P"}},
        "transformId": "000000000000::M",
        "params": {"Key": {"Ref": "P"}},
        "templateParameterValues": {"P": "value"},
    }
    assert expanded["Resources"]["R"] == {"Type": "T", "Properties": {"A": {"Ref": "P"}, "by M": 1}}


def test_innermost_macro_runs_first_and_a_list_in_its_order() -> None:
    macros = Macros()
    inner = {"Fn::Transform": [call("Inner1"), call("Inner2")]}
    macros.expand({"Resources": {"R": {"Properties": {"Fn::Transform": call("Outer"), "X": [inner]}}}})
    assert [event["transformId"].partition("::")[2] for event in macros.events] == [
        "Inner1",
        "Inner2",
        "Outer",
    ]
    assert macros.events[2]["fragment"] == {"X": [{"by Inner1": 1, "by Inner2": 2}]}


def test_transform_section_is_processed_last_in_its_order() -> None:
    macros = Macros()
    template = {
        "Transform": ["First", "AWS::Serverless-2016-10-31", {"Name": "Last"}],
        "Resources": {"R": {"Properties": {"Fn::Transform": {"Name": "Inner"}}}},
    }
    expanded = macros.expand(template)
    assert expanded == {
        "Resources": {"R": {"Properties": {"by Inner": 1}}},
        "by First": 2,
        "by AWS::Serverless-2016-10-31": 2,
        "by Last": 3,
    }
    assert macros.events[1]["params"] == {}
    assert "Transform" not in macros.events[1]["fragment"]


def test_fragment_of_a_macro_replaces_its_siblings() -> None:
    macros = Macros(M=lambda event: success(event, "text"))
    expanded = macros.expand({"Resources": {"R": {"Properties": {"Name": {"Fn::Transform": call("M")}}}}})
    assert expanded["Resources"]["R"]["Properties"] == {"Name": "text"}


def test_macros_in_parameters_are_not_processed() -> None:
    macros = Macros()
    template = {"Parameters": {"P": {"Fn::Transform": call("M")}}, "Resources": {}}
    assert macros.expand(template) == template
    assert custom_macros(macro_names(template)) == []


def malformed(**change: Any) -> Any:
    return lambda event: json.dumps(
        {"requestId": event["requestId"], "status": "success", "fragment": {}} | change
    ).encode()


@pytest.mark.parametrize(
    ("response", "message"),
    [
        (malformed(status="failure", errorMessage="why"), "Transform 000000000000::M failed with: why"),
        (malformed(status="no"), "Transform 000000000000::M failed without an error message."),
        (malformed(requestId="another"), "Received malformed response from transform 000000000000::M"),
        (lambda _event: None, "Received malformed response from transform 000000000000::M"),
        (lambda _event: b"no", "Received malformed response from transform 000000000000::M"),
        (lambda _event: b"[]", "Received malformed response from transform 000000000000::M"),
        (malformed(fragment="text"), "Template format error: unsupported structure."),
    ],
    ids=["failure", "no reason", "another request", "error", "no JSON", "no object", "no template"],
)
def test_failed_macro_fails_the_template(response: Any, message: str) -> None:
    with pytest.raises(MacroError) as caught:
        Macros(M=response).expand({"Transform": "M", "Resources": {}})
    assert str(caught.value) == message


def test_response_without_a_fragment_is_malformed() -> None:
    with pytest.raises(MacroError, match="malformed"):
        Macros(
            M=lambda event: json.dumps({"requestId": event["requestId"], "status": "success"}).encode()
        ).expand({"Transform": "M", "Resources": {}})


def test_custom_macros_of_a_template_are_listed_once() -> None:
    template = {
        "Transform": ["AWS::Serverless-2016-10-31", "A"],
        "Resources": {"R": [{"Fn::Transform": [call("B"), call("AWS::Include"), call("A")]}]},
        "Outputs": {"Fn::Transform": "C"},
    }
    assert custom_macros(macro_names(template)) == ["A", "B", "C"]
