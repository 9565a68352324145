"""Links, progress and causes of executions."""

from __future__ import annotations

from datetime import UTC, datetime

import botocore.session
import pytest

from stepline.core.executions.arns import ExecutionArn
from stepline.core.executions.describe import Status
from stepline.core.executions.failure import readable_cause
from stepline.core.executions.history import HistoryEvent
from stepline.core.executions.progress import current_state, percent_complete
from stepline.core.local_aws import CONSOLE_URL_VARIABLE

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def test_statuses_are_those_of_step_functions() -> None:
    model = botocore.session.get_session().get_service_model("stepfunctions")
    known = set(Status) - {Status.UNKNOWN}
    assert known == set(model.shape_for("ExecutionStatus").enum)  # type: ignore[attr-defined]


def test_unknown_status_is_open() -> None:
    assert Status("SOMETHING_NEW") is Status.UNKNOWN
    assert Status.UNKNOWN.is_open


@pytest.mark.parametrize(
    ("partition", "region", "start"),
    [
        ("aws", "eu-west-1", "https://eu-west-1.console.aws.amazon.com/states/home?region=eu-west-1#/v2/"),
        (
            "aws-cn",
            "cn-north-1",
            "https://cn-north-1.console.amazonaws.cn/states/home?region=cn-north-1#/v2/",
        ),
        (
            "aws-us-gov",
            "us-gov-west-1",
            "https://console.amazonaws-us-gov.com/states/home?region=us-gov-west-1",
        ),
        ("aws-iso", "us-iso-east-1", "arn:aws-iso:states:"),
    ],
)
def test_link_leads_to_the_console_of_the_partition(partition: str, region: str, start: str) -> None:
    arn = ExecutionArn.parse(f"arn:{partition}:states:{region}:000000000000:execution:deploy:abc")
    assert arn is not None
    assert arn.link.startswith(start)
    assert arn.link.endswith(":execution:deploy:abc")


def test_link_of_a_local_aws_leads_to_its_own_console(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CONSOLE_URL_VARIABLE, "http://127.0.0.1:4600/")
    text = "arn:aws:states:us-east-1:000000000000:execution:deploy:abc"
    arn = ExecutionArn.parse(text)
    assert arn is not None
    assert arn.link == f"http://127.0.0.1:4600/executions/{text}"


def events(*items: tuple[str, str | None]) -> list[HistoryEvent]:
    """Return events, newest first, from types and names, oldest first."""
    numbered = enumerate(items, start=1)
    return [HistoryEvent(number, number - 1, kind, NOW, name) for number, (kind, name) in numbered][::-1]


@pytest.mark.parametrize(
    ("history", "shown"),
    [
        (events(), None),
        (events(("ExecutionStarted", None)), None),
        (events(("TaskStateEntered", "A"), ("TaskStateExited", "A")), None),
        (events(("TaskStateEntered", "A"), ("TaskStateExited", "A"), ("WaitStateEntered", "B")), "B"),
        (events(("WaitStateEntered", "B"), ("WaitStateExited", "B"), ("WaitStateEntered", "B")), "B"),
        (
            events(("ParallelStateEntered", "Both"), ("TaskStateEntered", "A"), ("TaskStateEntered", "B")),
            "Both (2 states running): B",
        ),
        (events(("MapStateEntered", "Each"), ("MapRunStarted", None)), "Each"),
        (
            [
                *events(
                    ("MapStateEntered", "Each"),
                    ("MapStateStarted", None),
                    ("TaskStateEntered", "A"),
                    ("TaskStateEntered", "A"),
                    ("TaskStateExited", "A"),
                    ("MapIterationSucceeded", "Each"),
                )[:-2],
                HistoryEvent(2, 1, "MapStateStarted", NOW, length=10),
                HistoryEvent(1, 0, "MapStateEntered", NOW, "Each"),
            ],
            "Each (1 of 10 done): A",
        ),
    ],
)
def test_current_state_is_the_newest_open_state(history: list[HistoryEvent], shown: str | None) -> None:
    assert current_state(history) == shown


def test_percentage_grows_to_99() -> None:
    values = [percent_complete(passed) for passed in range(2000)]
    assert values == sorted(values)
    assert (values[0], values[-1]) == (0, 99)


@pytest.mark.parametrize(
    ("cause", "readable"),
    [
        ("plain text", "plain text"),
        ('{"errorMessage": "no such key", "errorType": "KeyError", "stackTrace": []}', "no such key"),
        ('{"Error": "E", "Cause": "{\\"errorMessage\\": \\"inner\\"}"}', "inner"),
        ('{"StatusReason": "Host EC2 terminated"}', "Host EC2 terminated"),
        ('{"errorMessage": ""}', '{"errorMessage": ""}'),
        ('{"other": 1}', '{"other": 1}'),
        ("{broken", "{broken"),
        ('["errorMessage"]', '["errorMessage"]'),
    ],
)
def test_cause_is_reduced_to_its_human_part(cause: str, readable: str) -> None:
    assert readable_cause(cause) == readable
