"""The targets that belong to the pipeline: the trigger, and the Deploy state machine.

The property of a target runs an example and returns the kind of its outcome, so that the fuzzer can count the
kinds. It raises an AssertionError for anything but one clear outcome.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from tests.bad_input import archive_strategies, deploy_runner, strategies, trigger_runner
from tests.bad_input.observed import USER_VALUE, observed
from tests.bad_input.outcome import Outcome
from tests.bad_input.strategies import JOB, any_text, any_value, json_texts, mutated
from tests.bad_input.system_runner import Group
from tests.bad_input.zip_model import Archive, Member
from tests.fakes.sparse_file import bytes_of
from tests.pipeline.world import ARTIFACT_BUCKET, ARTIFACT_KEY, World
from tests.statemachines.deploy.case_runner import BASE
from tests.statemachines.deploy.machine import BUCKET, INPUT, KEY

NOW = 1_800_000_000
MAX_READ_BYTES = 2_400_000
_INPUT_FILE = trigger_runner.INPUT_FILE
_SMALL_ARCHIVE = Archive((Member(_INPUT_FILE.encode(), b'{"environmentName": "test"}'),)).build()

GROUPS: Mapping[str, Group] = {
    **dict.fromkeys(
        ("job_events", "user_parameters", "state_machines", "tokens", "archives", "inputs"),
        trigger_runner.run,
    ),
    **dict.fromkeys(("templates", "template_configurations", "deploy_inputs"), deploy_runner.run),
}
"""Group of the corpus -> function that takes what a case gives."""


@dataclass(frozen=True)
class Target:
    """`examples`: so many are run in `make test`; the fuzzer runs them for any time."""

    name: str
    given: SearchStrategy[Any]
    property: Callable[[Any], str]
    examples: int = 50


def _send(event: Any, artifact: Any = _SMALL_ARCHIVE) -> Outcome:
    world = World()
    world.s3.put(ARTIFACT_BUCKET, ARTIFACT_KEY, artifact)
    world.s3.put(*trigger_runner.INPUT_OBJECT, b'{"environmentName": "test"}')
    outcome = trigger_runner.send(world, event)
    assert outcome.read_bytes <= MAX_READ_BYTES
    return outcome


def _job_event(event: Any) -> str:
    return _send(event).kind


def _user_parameters(text: str) -> str:
    return _send(World().first_job(text, job_id=JOB)).kind


def _output_variable(example: tuple[str, str]) -> str:
    """A succeeded execution is reported as such, whatever its output and the expression are."""
    expression, output = example
    world = World()
    event = world.first_job({"input": {}, "outputVariables": {"A": expression}}, job_id=JOB)
    with observed():
        if "failureDetails" in world.send(event):
            return "refused"
        world.execution.succeed(output)
        result = world.send(world.next_job(event))
    assert "executionDetails" in result
    assert "continuationToken" not in result
    return "given" if "A" in result.get("outputVariables", {}) else "left out"


def _token(token: str) -> str:
    return _send(World().first_job(job_id=JOB, continuationToken=token)).kind


def _input_file(data: bytes) -> str:
    """What is accepted is what Python's JSON reads."""
    archive = Archive((Member(_INPUT_FILE.encode(), data),)).build()
    outcome = _send(World().first_job(job_id=JOB), archive)
    if not outcome.error:
        own = {"codepipeline", "revisionS3Bucket", "revisionS3Key"}
        sent, read = json.loads(outcome.started[0]), json.loads(data, object_pairs_hook=_without_repetition)
        assert {key: value for key, value in sent.items() if key not in own} == {
            key: value for key, value in read.items() if key not in own
        }
    return outcome.kind


def _without_repetition(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    assert len(members) == len(pairs), "a repeated key was accepted"
    return members


def _archive(data: bytes) -> str:
    """What is read is what zipfile reads, where it reads anything."""
    outcome = _send(World().first_job(job_id=JOB), data)
    expected = _read_by_zipfile(data)
    if not outcome.error and expected is not None:
        assert json.loads(expected).items() <= json.loads(outcome.started[0]).items()
    return outcome.kind


def _read_by_zipfile(data: bytes) -> bytes | None:
    if data.count(b"PK\x05\x06") > 1:
        return None  # of two end records zipfile takes the last, even if it is part of a comment
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return archive.read(_INPUT_FILE)
    except Exception:
        return None


_VALID_TEMPLATE = json.dumps(BASE).encode()


def _template(data: bytes) -> str:
    return _deploy(INPUT, {"template.json": data})


def _template_configuration(data: bytes) -> str:
    document = {**INPUT, "templateConfigurationPath": deploy_runner.CONFIGURATION_FILE}
    return _deploy(document, {"template.json": _VALID_TEMPLATE, deploy_runner.CONFIGURATION_FILE: data})


def _deploy_input(document: Any) -> str:
    return _deploy(document, {"template.json": _VALID_TEMPLATE})


def _deploy(document: Any, files: dict[str, bytes]) -> str:
    members = tuple(Member(name.encode(), content) for name, content in files.items())
    with deploy_runner.deployment() as machine:
        machine.s3.put(BUCKET, KEY, bytes_of(Archive(members).build()))
        return deploy_runner.run_task(machine, document).kind


_VALID_CONFIGURATION = {
    "Parameters": {"Size": USER_VALUE, "EnvironmentName": ["a", 1, USER_VALUE]},
    "Tags": {"team": USER_VALUE},
    "StackPolicy": {
        "Statement": [{"Effect": "Allow", "Action": "Update:*", "Principal": "*", "Resource": "*"}]
    },
}
_VALID_INPUT = {
    **INPUT,
    "parameters": {"Size": USER_VALUE},
    "capabilities": ["CAPABILITY_IAM"],
    "roleArn": "arn:aws:iam::000000000000:role/deployer",
    "allowReplacement": ["Queue", "AWS::SNS::Topic"],
}

TARGETS = (
    Target("job events", strategies.job_events, _job_event, 100),
    Target("UserParameters", strategies.user_parameters, _user_parameters, 100),
    Target(
        "output variables",
        st.tuples(
            st.one_of(strategies.expressions, strategies.hostile_expressions), any_value.map(json.dumps)
        ),
        _output_variable,
    ),
    Target("tokens", strategies.tokens(NOW), _token, 60),
    Target("archives", archive_strategies.archives, _archive, 150),
    Target("JSON input", strategies.input_files, _input_file, 100),
    Target("templates", json_texts(st.one_of(mutated(BASE), any_value, any_text)), _template),
    Target(
        "configurations",
        json_texts(st.one_of(mutated(_VALID_CONFIGURATION), any_value)),
        _template_configuration,
    ),
    Target("Deploy input", mutated(_VALID_INPUT), _deploy_input),
)
