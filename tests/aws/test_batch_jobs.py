"""AWS Batch jobs by id and name, and their logs."""

from __future__ import annotations

import pytest

from stepline.aws.batch_jobs import find_job, is_job_id, list_jobs, read_job
from stepline.core.errors import UsageError
from stepline.localaws.batch import Outcome
from tests.localaws.batch.fake_containers import START_SECONDS
from tests.localaws.batch.world import CONTAINER, World


@pytest.fixture
def world() -> World:
    return World()


def test_job_is_found_by_id_and_by_name(world: World) -> None:
    world.create_queue("another", priority=1)
    first, second = world.submit("load"), world.submit("store", queue="another")
    assert find_job(world.client, first).name == "load"
    assert find_job(world.client, "store").id == second
    assert is_job_id(first)
    assert not is_job_id("load")


def test_newest_job_of_a_name_is_found(world: World) -> None:
    world.submit("load")
    world.clock.advance(1)
    newest = world.submit("load")
    assert find_job(world.client, "load").id == newest


def test_jobs_of_all_queues_are_listed_newest_first(world: World) -> None:
    world.create_queue("another", priority=1)
    world.submit("old")
    world.clock.advance(3600)
    since = world.clock.now()
    world.clock.advance(1)
    world.submit("load")
    world.clock.advance(1)
    world.submit("store", queue="another")
    assert [job["jobName"] for job in list_jobs(world.client, since)] == ["store", "load"]


@pytest.mark.parametrize("id_or_name", ["none", "00000000-0000-0000-0000-000000000000"])
def test_unknown_job_is_rejected(world: World, id_or_name: str) -> None:
    with pytest.raises(UsageError, match=f"job .*{id_or_name}.* does not exist"):
        find_job(world.client, id_or_name)


def test_job_has_a_log_stream_for_each_attempt(world: World) -> None:
    world.containers.outcome = lambda _task: Outcome(1)
    job_id = world.submit(retryStrategy={"attempts": 2})
    assert read_job(world.client, job_id).log_streams == ()
    world.clock.advance(START_SECONDS)
    running = read_job(world.client, job_id)
    assert (len(running.log_streams), running.has_ended) == (1, False)
    world.clock.run()
    ended = read_job(world.client, job_id)
    assert (len(ended.log_streams), ended.has_ended) == (2, True)
    assert ended.log_group == "/jobs"
    assert ended.status_reason == "Essential container in task exited"


def test_default_log_group_is_used(world: World) -> None:
    world.register({key: value for key, value in CONTAINER.items() if key != "logConfiguration"})
    assert read_job(world.client, world.submit()).log_group == "/aws/batch/job"
