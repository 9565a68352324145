"""The custom action: the properties that people give it, which CodePipeline passes as texts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hypothesis import strategies as st

from tests.bad_input.contents import bytes_of
from tests.bad_input.observed import USER_VALUE, observed
from tests.bad_input.outcome import Outcome, check_message
from tests.bad_input.strategies import any_text, json_texts, mutated
from tests.bad_input.system_runner import Group
from tests.bad_input.targets import Target
from tests.pipeline.custom_world import CustomWorld
from tests.pipeline.world import MACHINE, SECRETS

_MAX_MESSAGE_CHARACTERS = 5_000
_JOB_CALLS = {"PutJobSuccessResult", "PutJobFailureResult"}


def _send(properties: Mapping[str, str]) -> Outcome:
    """Run the action until its job is held, or has failed and started nothing."""
    world = CustomWorld()
    with observed() as log:
        world.begin_action(**properties)
        world.send_started()
    results = world.codepipeline.results.values()
    (result,) = (item for item in results if item is world.final_result or "continuationToken" in item)
    failure = result.get("failureDetails", {})
    message = failure.get("message") or result["executionDetails"]["summary"]
    started = tuple(execution.input for execution in world.stepfunctions.executions.values())
    assert len(started) == len(world.open_jobs) == (0 if failure else 1)
    assert sum(call in _JOB_CALLS for call in world.calls) == 1
    check_message(message, max_characters=_MAX_MESSAGE_CHARACTERS)
    assert "This is a bug" not in message
    assert USER_VALUE not in log.text
    for secret in SECRETS:
        assert secret not in log.text + message + "".join(started)
    return Outcome(
        error=failure.get("type", ""),
        message=message,
        started=started,
        calls=tuple(world.calls),
        requests=len(world.s3.requests),
        read_bytes=world.s3.read_bytes,
    )


def _run(given: Mapping[str, Any]) -> Outcome:
    """`properties`: each a text or a content."""
    return _send({name: bytes_of(value).decode() for name, value in given["properties"].items()})


def _properties(properties: Mapping[str, str]) -> str:
    return _send(properties).kind


_OBJECTS: tuple[Any, ...] = ({"a": {"b": [1, 2]}, "key": USER_VALUE}, {"Url": "a.b[0]"}, {})
_json_texts = json_texts(st.sampled_from(_OBJECTS).flatmap(mutated)).map(
    lambda data: data.decode("utf-8", "replace")
)
_values = {
    "StateMachine": st.sampled_from([MACHINE, "deploy"]),
    "Input": _json_texts,
    "InputFile": st.sampled_from(["state_machine_input.json", "SourceOutput::a.json", "s3://inputs/a.json"]),
    "Parameters": _json_texts,
    "OutputVariables": _json_texts,
    "TimeoutMinutes": st.integers(-1, 2000).map(str),
    "OnStop": st.sampled_from(["Stop", "LeaveRunning"]),
}
_any_properties = st.fixed_dictionaries(
    {}, optional={name: st.one_of(values, any_text) for name, values in _values.items()}
)

GROUPS: Mapping[str, Group] = {"action_properties": _run}
TARGETS = (Target("action properties", _any_properties, _properties),)
