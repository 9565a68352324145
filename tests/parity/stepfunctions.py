"""Definitions and executions whose outcome on AWS is known: the files of `cases/stepfunctions`.

A file has `cases`: name -> case, and may have a `source` for all of them. What runs is one of

- `definition`: a state machine,
- `states`: its states, of which the first one is the start,
- `state`: one state, which is the last one unless it says otherwise,
- `jsonata`: an expression, `intrinsic`: an intrinsic function, `path`: a JSONPath, whose value is the output,
- `choice`: a rule of a Choice state; the output is whether it matches.

`input` is the execution's input, `query_language` the machine's, `type` is STANDARD or EXPRESS, `functions`
maps names of Lambda functions to results, or to `{"errorType": ..., "errorMessage": ...}` if they raise, and
`s3` maps `bucket/key` to the text of an object.

What AWS does is one of

- `output`: the execution succeeds,
- `error`, and perhaps `cause`: it fails,
- `refused`: the definition is invalid: `CODE at LOCATION`, or `CODE`, and perhaps `message`,
- `accepted`: the definition is valid.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from tests.localaws.stepfunctions.world import ROLE_ARN, World
from tests.parity.case_files import read_cases
from tests.parity.outcome import Outcome

CASES = Path(__file__).parent / "cases" / "stepfunctions"

Case = Mapping[str, Any]


def replay() -> Iterator[Outcome]:
    """Run all cases in virtual time."""
    world = World()
    try:
        for name, case in read_cases(CASES):
            yield Outcome(
                case=name,
                source=case["source"],
                expected=_expected(case),
                seen=_run(world, case),
                difference=case.get("difference", ""),
            )
    finally:
        world.close()


def _expected(case: Case) -> str:
    if "output" in case:
        return f"output {_text(case['output'])}"
    if "error" in case:
        return _failure(case["error"], case.get("cause"))
    if "refused" in case:
        return f"refused {case['refused']}" + (f": {case['message']}" if "message" in case else "")
    assert case["accepted"] is True
    return "accepted"


def _run(world: World, case: Case) -> str:
    definition = _definition(case)
    text = definition if isinstance(definition, str) else json.dumps(definition)
    kind = case.get("type", "STANDARD")
    found = world.client.validate_state_machine_definition(definition=text, type=kind)["diagnostics"]
    found = [item for item in found if item["severity"] == "ERROR"]
    if found:
        return _refusal(found, case)
    if "output" not in case and "error" not in case:
        return "accepted"
    return _execute(world, case, text)


def _refusal(found: list[dict[str, str]], case: Case) -> str:
    with_location = " at " in case.get("refused", " at ")
    places = " and ".join(
        f"{item['code']} at {item['location']}" if with_location and "location" in item else item["code"]
        for item in found
    )
    return f"refused {places}" + (f": {found[0]['message']}" if "message" in case else "")


def _execute(world: World, case: Case, definition: str) -> str:
    world.handlers.clear()
    for name, result in case.get("functions", {}).items():
        world.handlers[name] = _handler(result)
    world.clients["s3"] = _Objects(case.get("s3", {}))
    world.client.delete_state_machine(stateMachineArn=_arn("case"))
    arn = world.client.create_state_machine(
        name="case", definition=definition, roleArn=ROLE_ARN, type="STANDARD"
    )["stateMachineArn"]
    execution = world.start(arn, case.get("input"))
    world.virtual_clock.run()
    description = world.client.describe_execution(executionArn=execution)
    if description["status"] == "SUCCEEDED":
        return f"output {_text(_result(case, json.loads(description['output'])))}"
    cause = description.get("cause") if "cause" in case or "error" not in case else None
    return _failure(description.get("error", description["status"]), cause)


def _definition(case: Case) -> Any:
    if "definition" in case:
        return case["definition"]
    machine: dict[str, Any] = {}
    if "query_language" in case or "jsonata" in case:
        machine["QueryLanguage"] = case.get("query_language", "JSONata")
    states = case.get("states") or {"S": _state(case)}
    if "choice" in case:
        states |= {name: {"Type": "Pass", "Result": name == "Yes", "End": True} for name in ("Yes", "No")}
    return machine | {"StartAt": next(iter(states)), "States": states}


def _state(case: Case) -> dict[str, Any]:
    if "choice" in case:
        return {"Type": "Choice", "Choices": [case["choice"] | {"Next": "Yes"}], "Default": "No"}
    if "jsonata" in case:
        return {"Type": "Pass", "Output": f"{{% {case['jsonata']} %}}", "End": True}
    if path := case.get("intrinsic") or case.get("path"):
        return {"Type": "Pass", "Parameters": {"result.$": path}, "End": True}
    state: dict[str, Any] = dict(case["state"])
    ends = {"Next", "End"} & state.keys() or state.get("Type") in {"Choice", "Fail", "Succeed"}
    return state if ends else state | {"End": True}


def _result(case: Case, output: Any) -> Any:
    return output["result"] if "intrinsic" in case or "path" in case else output


def _failure(error: str, cause: str | None) -> str:
    return f"error {error}" + (f": {cause}" if cause is not None else "")


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False)


def _arn(name: str) -> str:
    return f"arn:aws:states:us-east-1:000000000000:stateMachine:{name}"


def _handler(result: Any) -> Any:
    if isinstance(result, dict) and "errorType" in result:
        error = type(result["errorType"], (Exception,), {})

        def fail(_event: Any, _context: Any) -> Any:
            raise error(result.get("errorMessage", ""))

        return fail
    return lambda event, _context: event if result == "its event" else result


class _Objects:
    """S3, with objects that can be read and written."""

    def __init__(self, objects: Mapping[str, str]) -> None:
        self._objects = dict(objects)

    def get_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:
        if f"{Bucket}/{Key}" not in self._objects:
            response: Any = {
                "Error": {"Code": "NoSuchKey", "Message": "The specified key does not exist."},
                "ResponseMetadata": {"HTTPStatusCode": 404, "RequestId": "1"},
            }
            raise ClientError(response, "GetObject")
        return {"Body": io.BytesIO(self._objects[f"{Bucket}/{Key}"].encode()), "ResponseMetadata": {}}

    def list_objects_v2(self, *, Bucket: str, Prefix: str = "", **_settings: Any) -> dict[str, Any]:
        keys = sorted(key.removeprefix(f"{Bucket}/") for key in self._objects)
        contents = [{"Key": key, "Size": 1} for key in keys if key.startswith(Prefix)]
        return {"Contents": contents, "IsTruncated": False, "ResponseMetadata": {}}

    def put_object(self, *, Bucket: str, Key: str, Body: bytes, **_settings: Any) -> dict[str, Any]:
        self._objects[f"{Bucket}/{Key}"] = Body.decode()
        return {"ResponseMetadata": {}}
