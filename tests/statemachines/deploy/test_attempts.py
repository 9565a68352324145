"""Names and tokens of a deployment attempt, and the end of its wait loops."""

from __future__ import annotations

import re

import pytest

from statemachines.deploy.attempt import DeploymentAttempt
from statemachines.deploy.errors import WaitTimedOutError
from statemachines.deploy.settings import WaitSettings
from statemachines.deploy.waiting import WaitProgress
from stepline.core.fields import Fields


@pytest.mark.parametrize(
    "name", ["11111111-2222-3333-4444-555555555555", "x" * 80, "-_-", "a_b", "naïve name", "0"]
)
def test_names_match_the_patterns_of_cloudformation(name: str) -> None:
    attempt = DeploymentAttempt(f"arn:aws:states:::execution:m:{name}", name, "2026-01-01T00:00:00Z", 1)
    assert re.fullmatch(r"[a-zA-Z][-a-zA-Z0-9]{0,127}", attempt.change_set_name)
    for token in (attempt.creation_token, attempt.update_token, attempt.deletion_token):
        assert re.fullmatch(r"[a-zA-Z0-9][-a-zA-Z0-9]{0,127}", token)


def test_names_differ_between_executions_attempts_and_operations() -> None:
    attempts = [
        DeploymentAttempt(f"arn:{name}", name, start, attempt)
        for name in ("a_b", "a-b", "x" * 80, "x" * 79 + "y")
        for start in ("2026-01-01", "2026-06-01")
        for attempt in (1, 2)
    ]
    names = [
        name
        for each in attempts
        for name in (each.change_set_name, each.creation_token, each.update_token, each.deletion_token)
    ]
    assert len(set(names)) == len(names)


def test_names_are_the_same_when_a_task_is_retried() -> None:
    document = {"id": "arn", "name": "job", "startTime": "2026-01-01", "attempt": 1}
    first, second = (DeploymentAttempt.parse(Fields({"execution": document}, "the event")) for _ in range(2))
    assert first.change_set_name == second.change_set_name


@pytest.mark.parametrize(
    ("poll_seconds", "max_wait_minutes"), [(1, 1), (1, 480), (10, 120), (300, 480), (300, 1)]
)
def test_wait_loop_ends_in_time_and_in_few_rounds(poll_seconds: int, max_wait_minutes: int) -> None:
    settings = WaitSettings(poll_seconds=poll_seconds, max_wait_minutes=max_wait_minutes)
    progress = WaitProgress.start(settings)
    rounds = 1
    while progress.waited_seconds + progress.wait_seconds < max_wait_minutes * 60:
        progress = progress.next(settings, waiting_for="a test")
        rounds += 1
        assert poll_seconds <= progress.wait_seconds <= max(poll_seconds, 60)
    assert rounds < 700  # 9 events each; a history has at most 25,000
    with pytest.raises(WaitTimedOutError, match=f"Waited {max_wait_minutes} minutes for a test"):
        progress.next(settings, waiting_for="a test")
