"""Whatever users and workflows come up with, an answer keeps CodePipeline's limits.

The fake CodePipeline refuses what botocore's model refuses, so that an answer which was taken
is one that keeps them.
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
def test_any_failure_is_taken_with_its_link_whole(world: World, seed: int) -> None:
    random_ = random.Random(seed)
    event, execution = world.started()
    state = text(random_, 80).replace("\0", "x") or "x"
    error = text(random_, random_.choice([0, 1, 256]))
    cause = text(random_, random_.choice([0, 10, 249, 5000, 32_768]))
    execution.history = [entered(1, state), task_failed(2, error), {"id": 3, "type": "ExecutionFailed"}]
    execution.fail(error, cause)
    message = failure(world.send(event))[1]
    assert message.endswith(execution.arn)
    assert message.isprintable()


@pytest.mark.parametrize("seed", range(12))
def test_any_output_is_a_success_that_is_taken(world: World, seed: int) -> None:
    random_ = random.Random(seed)
    names = [f"V{number}" for number in range(random_.choice([1, 20]))]
    event, execution = world.started({"input": {}, "outputVariables": {name: name for name in names}})
    document = {
        text(random_, 5) if random_.random() < 0.2 else name: text(random_, random_.choice([0, 10, 60_000]))
        for name in names
    }
    execution.succeed(json.dumps(document))
    answer = world.send(event)
    assert answer["executionDetails"]["summary"].endswith(execution.arn)


@pytest.mark.parametrize("seed", range(12))
def test_any_state_name_makes_a_summary_that_is_taken(world: World, seed: int) -> None:
    random_ = random.Random(seed)
    event, execution = world.started()
    names = [text(random_, random_.choice([1, 80, 5000])) for _ in range(20)]
    execution.history = [
        item
        for number, name in enumerate(names)
        for item in (entered(2 * number + 1, name), *([exited(2 * number + 2, name)] * random_.randint(0, 1)))
    ]
    assert world.send(event)["executionDetails"]["summary"].endswith(execution.arn)


def test_the_first_250_characters_tell_the_story(world: World) -> None:
    event, execution = world.started()
    state, error = "S" * 80, "E" * 256
    execution.history = [entered(1, state), task_failed(2, error), {"id": 3, "type": "ExecutionFailed"}]
    execution.fail(error, "The bucket name is taken. " + "x" * 32_000)
    message = failure(world.send(event))[1]
    assert re.match(r"S{80}: E{99}…: The bucket name is taken\.", message[:250])
    assert len(message) == MAX_FAILURE_MESSAGE_CHARACTERS


def test_an_execution_without_error_or_cause_still_has_a_story(world: World) -> None:
    event, execution = world.started()
    execution.fail(None, None)
    assert failure(world.send(event))[1].startswith("Failed: no cause was given https://")
