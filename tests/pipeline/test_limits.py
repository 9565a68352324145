"""Job results keep CodePipeline's limits, with any state name, error, cause and output.

The fake CodePipeline validates each result with botocore's model.
"""

from __future__ import annotations

import json
import random
import re

import pytest

from pipeline.limits import MAX_FAILURE_MESSAGE_CHARACTERS
from tests.pipeline.test_poll import entered, exited, task_failed
from tests.pipeline.test_start import failure
from tests.pipeline.world import World

ALPHABET = 'ab "\\\n\t\0\x1b\x7f{}äß漢🎉\u202e\u2028'


def text(random_: random.Random, size: int) -> str:
    return "".join(random_.choices(ALPHABET, k=size))


@pytest.mark.parametrize("seed", range(12))
def test_any_failure_is_accepted_and_keeps_its_link(world: World, seed: int) -> None:
    random_ = random.Random(seed)
    event, execution = world.start_execution()
    state = text(random_, 80).replace("\0", "x") or "x"
    error = text(random_, random_.choice([0, 1, 256]))
    cause = text(random_, random_.choice([0, 10, 249, 5000, 32_768]))
    execution.history = [entered(1, state), task_failed(2, error), {"id": 3, "type": "ExecutionFailed"}]
    execution.fail(error, cause)
    message = failure(world.send(event))[1]
    assert message.endswith(execution.arn)
    assert message.isprintable()


@pytest.mark.parametrize("seed", range(12))
def test_any_output_is_accepted_as_a_success(world: World, seed: int) -> None:
    random_ = random.Random(seed)
    names = [f"V{number}" for number in range(random_.choice([1, 20]))]
    event, execution = world.start_execution({"input": {}, "outputVariables": {name: name for name in names}})
    document = {
        text(random_, 5) if random_.random() < 0.2 else name: text(random_, random_.choice([0, 10, 60_000]))
        for name in names
    }
    execution.succeed(json.dumps(document))
    result = world.send(event)
    assert result["executionDetails"]["summary"].endswith(execution.arn)


@pytest.mark.parametrize("seed", range(12))
def test_summary_with_any_state_name_is_accepted(world: World, seed: int) -> None:
    random_ = random.Random(seed)
    event, execution = world.start_execution()
    names = [text(random_, random_.choice([1, 80, 5000])) for _ in range(20)]
    execution.history = [
        item
        for number, name in enumerate(names)
        for item in (entered(2 * number + 1, name), *([exited(2 * number + 2, name)] * random_.randint(0, 1)))
    ]
    assert world.send(event)["executionDetails"]["summary"].endswith(execution.arn)


def test_first_250_characters_of_a_failure_have_state_error_and_cause(world: World) -> None:
    event, execution = world.start_execution()
    state, error = "S" * 80, "E" * 256
    execution.history = [entered(1, state), task_failed(2, error), {"id": 3, "type": "ExecutionFailed"}]
    execution.fail(error, "The bucket name is taken. " + "x" * 32_000)
    message = failure(world.send(event))[1]
    assert re.match(r"S{80}: E{99}…: The bucket name is taken\.", message[:250])
    assert len(message) == MAX_FAILURE_MESSAGE_CHARACTERS


def test_failure_without_error_and_cause_has_a_message(world: World) -> None:
    event, execution = world.start_execution()
    execution.fail(None, None)
    assert failure(world.send(event))[1].startswith("Failed: no cause was given https://")
