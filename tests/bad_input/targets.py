"""What is fuzzed: for each target, what it is given, and the property that must hold.

A property returns the answer that was given, without the parts that differ from example to
example, so that the kinds of answers seen can be counted. It raises for anything but one clear answer.
"""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from tests.bad_input import archive_strategies, deploy_runs, strategies, trigger_runs
from tests.bad_input.observed import USER_VALUE
from tests.bad_input.strategies import JOB, any_text, any_value, json_texts, mutated
from tests.bad_input.zip_model import Archive, Member
from tests.pipeline.world import ARTIFACT_BUCKET, ARTIFACT_KEY, World
from tests.statemachines.cases import BASE
from tests.statemachines.machine import BUCKET, INPUT, KEY

NOW = 1_800_000_000
MAX_READ_BYTES = 2_400_000
_SMALL_ARCHIVE = Archive((Member(b"state_machine_input.json", b'{"environmentName": "test"}'),)).build()


@dataclass(frozen=True)
class Target:
    name: str
    given: SearchStrategy[Any]
    property: Callable[[Any], str]
    examples: int = 50
    """In `make test`; the fuzzer goes on as long as it may."""


def _sent(event: Any, artifact: Any = _SMALL_ARCHIVE) -> trigger_runs.Told:
    world = World()
    world.s3.put(ARTIFACT_BUCKET, ARTIFACT_KEY, artifact)
    world.s3.put(*trigger_runs.INPUT_OBJECT, b'{"environmentName": "test"}')
    told = trigger_runs.tell(world, event)
    assert told.read_bytes <= MAX_READ_BYTES
    return told


def _kind(told: trigger_runs.Told | deploy_runs.Told) -> str:
    """The answer without names, numbers and what else differs."""
    text = re.sub(r'".*"|s3://\S+|arn:\S+|https://\S+', "…", told.message)
    name = told.error if isinstance(told, deploy_runs.Told) else told.raised or told.type
    return f"{name or 'success'}: {re.sub(r'[0-9][0-9,.]*', '#', text)[:80]}"


def _job_event(event: Any) -> str:
    return _kind(_sent(event))


def _user_parameters(text: str) -> str:
    return _kind(_sent(World().first_job(text, job_id=JOB)))


def _token(token: str) -> str:
    return _kind(_sent(World().first_job(job_id=JOB, continuationToken=token)))


def _input_file(data: bytes) -> str:
    """What is accepted is what any reader of JSON reads."""
    told = _sent(World().first_job(job_id=JOB), Archive((Member(b"state_machine_input.json", data),)).build())
    if not told.type:
        own = {"codepipeline", "revisionS3Bucket", "revisionS3Key"}
        sent, read = json.loads(told.inputs[0]), json.loads(data, object_pairs_hook=_without_repetition)
        assert {key: value for key, value in sent.items() if key not in own} == {
            key: value for key, value in read.items() if key not in own
        }
    return _kind(told)


def _without_repetition(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    assert len(members) == len(pairs), "a key that is there twice was accepted"
    return members


def _archive(data: bytes) -> str:
    """What is read is what zipfile reads, where it reads anything."""
    told = _sent(World().first_job(job_id=JOB), data)
    expected = _by_zipfile(data)
    if not told.type and expected is not None:
        assert json.loads(expected).items() <= json.loads(told.inputs[0]).items()
    return _kind(told)


def _by_zipfile(data: bytes) -> bytes | None:
    if data.count(b"PK\x05\x06") > 1:
        return None  # two ends: zipfile takes the last one, even if it is part of a comment
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return archive.read(archive_strategies.WANTED)
    except Exception:
        return None


def _template(data: bytes) -> str:
    return _deployed(INPUT, {"template.json": data})


def _template_configuration(data: bytes) -> str:
    document = {**INPUT, "templateConfigurationPath": deploy_runs.CONFIGURATION_FILE}
    return _deployed(document, {"template.json": _SOUND_TEMPLATE, deploy_runs.CONFIGURATION_FILE: data})


def _deploy_input(document: Any) -> str:
    return _deployed(document, {"template.json": _SOUND_TEMPLATE})


_SOUND_TEMPLATE = json.dumps(BASE).encode()


def _deployed(document: Any, files: dict[str, bytes]) -> str:
    members = tuple(Member(name.encode(), content) for name, content in files.items())
    artifact = Archive(members).build()
    with deploy_runs.deployment() as machine:
        machine.s3.objects[BUCKET, KEY] = artifact[0 : len(artifact)]
        return _kind(deploy_runs.run_task(machine, document))


_SOUND_CONFIGURATION = {
    "Parameters": {"Size": USER_VALUE, "EnvironmentName": ["a", 1, USER_VALUE]},
    "Tags": {"team": USER_VALUE},
    "StackPolicy": {
        "Statement": [{"Effect": "Allow", "Action": "Update:*", "Principal": "*", "Resource": "*"}]
    },
}
_SOUND_INPUT = {
    **INPUT,
    "parameters": {"Size": USER_VALUE},
    "capabilities": ["CAPABILITY_IAM"],
    "roleArn": "arn:aws:iam::000000000000:role/deployer",
    "allowReplacement": False,
}

TARGETS = (
    Target("job events", strategies.job_events, _job_event, 100),
    Target("UserParameters", strategies.user_parameters, _user_parameters, 100),
    Target("tokens", strategies.tokens(NOW), _token, 60),
    Target("archives", archive_strategies.archives, _archive, 150),
    Target("JSON input", strategies.input_files, _input_file, 100),
    Target("templates", json_texts(st.one_of(mutated(BASE), any_value, any_text)), _template),
    Target(
        "configurations",
        json_texts(st.one_of(mutated(_SOUND_CONFIGURATION), any_value)),
        _template_configuration,
    ),
    Target("Deploy input", mutated(_SOUND_INPUT), _deploy_input),
)
