"""Tokens, settings, ARNs, histories and AWS errors, each by itself."""

from __future__ import annotations

import botocore.session
import pytest
from botocore.exceptions import (
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    ParamValidationError,
    ReadTimeoutError,
)

from pipeline.continuation import Continuation, read_token, write_token
from pipeline.settings import load_settings
from stepline.core.aws_errors import AwsFailure, Trouble, classify
from stepline.core.errors import FailureType, SettingsError
from stepline.core.executions.arns import ExecutionArn, MachineArn
from stepline.core.executions.describe import Status
from stepline.core.executions.history import Event
from stepline.core.executions.progress import duration, percent_complete, shown_state
from tests.pipeline.world import EXPRESS, MACHINE

NOW = 1_800_000_000
JOB = "11111111-abcd-4111-8111-abcdef000001"
LONGEST = MachineArn("aws-us-gov", "us-gov-west-1", "0" * 12, "m" * 80).execution(f"codepipeline-{JOB}")


class TestToken:
    @pytest.mark.parametrize(
        "continuation",
        [
            Continuation(JOB, NOW),
            Continuation(JOB, NOW, LONGEST, NOW + 5, 42),
        ],
    )
    def test_it_is_read_as_it_was_written(self, continuation: Continuation) -> None:
        token = write_token(continuation)
        assert len(token) <= 2048
        assert write_token(read_token(token, NOW)) == token


class TestSettings:
    def test_the_defaults(self) -> None:
        settings = load_settings({"STATE_MACHINE_ARN": MACHINE})
        assert str(settings.default_machine) == MACHINE
        assert (settings.show_progress, settings.express_claims_bucket) == (True, None)

    @pytest.mark.parametrize(
        ("environment", "message"),
        [
            ({}, "STATE_MACHINE_ARN is not set"),
            ({"STATE_MACHINE_ARN": "deploy"}, "STATE_MACHINE_ARN.*not the ARN"),
            ({"STATE_MACHINE_ARN": MACHINE, "ALLOWED_STATE_MACHINE_ARNS": "x"}, "ALLOWED_STATE_MACHINE_ARNS"),
            ({"STATE_MACHINE_ARN": MACHINE, "SHOW_PROGRESS": "maybe"}, "SHOW_PROGRESS.*true or false"),
        ],
    )
    def test_an_unusable_variable_is_named(self, environment: dict[str, str], message: str) -> None:
        with pytest.raises(SettingsError, match=message):
            load_settings(environment)

    def test_a_version_or_alias_is_chosen_by_its_qualified_name(self) -> None:
        settings = load_settings(
            {"STATE_MACHINE_ARN": MACHINE, "ALLOWED_STATE_MACHINE_ARNS": f"{MACHINE}:live,{EXPRESS},"}
        )
        assert str(settings.machine("deploy:live")) == f"{MACHINE}:live"
        assert settings.machine(None).qualifier is None
        assert str(settings.machine("deploy:live").execution("x")) == str(
            settings.machine(None).execution("x")
        )

    def test_a_name_in_two_regions_must_be_given_as_arn(self) -> None:
        other = MACHINE.replace("eu-west-1", "us-east-1")
        settings = load_settings({"STATE_MACHINE_ARN": MACHINE, "ALLOWED_STATE_MACHINE_ARNS": other})
        assert str(settings.machine(other)) == other
        with pytest.raises(Exception, match="give the ARN"):
            settings.machine("deploy")


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
def test_the_link_leads_to_the_partitions_console(partition: str, region: str, start: str) -> None:
    arn = ExecutionArn.parse(f"arn:{partition}:states:{region}:000000000000:execution:deploy:abc")
    assert arn is not None
    assert arn.link.startswith(start)
    assert arn.link.endswith(":execution:deploy:abc")


def events(*items: tuple[str, str | None]) -> list[Event]:
    """Newest first, from (type, name), oldest first."""
    history = [Event(number, number - 1, kind, name) for number, (kind, name) in enumerate(items, start=1)]
    return history[::-1]


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
                Event(2, 1, "MapStateStarted", length=10),
                Event(1, 0, "MapStateEntered", "Each"),
            ],
            "Each (1 of 10 done): A",
        ),
    ],
)
def test_the_state_that_is_shown(history: list[Event], shown: str | None) -> None:
    assert shown_state(history) == shown


def test_the_percentage_grows_to_99() -> None:
    values = [percent_complete(passed) for passed in range(2000)]
    assert values == sorted(values)
    assert (values[0], values[-1]) == (0, 99)


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(0, "0 s"), (59, "59 s"), (60, "1 min 0 s"), (3725, "1 h 2 min"), (90_000, "25 h 0 min")],
)
def test_durations(seconds: int, shown: str) -> None:
    assert duration(seconds) == shown


def client_error(code: str, status: int = 400) -> ClientError:
    return ClientError(
        {"Error": {"Code": code, "Message": "m"}, "ResponseMetadata": {"HTTPStatusCode": status}},  # type: ignore[typeddict-item]
        "Operation",
    )


@pytest.mark.parametrize(
    ("error", "trouble"),
    [
        (client_error("ThrottlingException"), Trouble.TRANSIENT),
        (client_error("Unheard", 500), Trouble.TRANSIENT),
        (client_error("Unheard", 503), Trouble.TRANSIENT),
        (client_error("Unheard", 429), Trouble.TRANSIENT),
        (client_error("Unheard", 403), Trouble.PERMISSION),
        (client_error("Unheard", 404), Trouble.MISSING),
        (client_error("Unheard", 400), Trouble.PERMANENT),
        (client_error("AccessDeniedException"), Trouble.PERMISSION),
        (client_error("ExpiredTokenException"), Trouble.PERMISSION),
        (client_error("NoSuchKey", 404), Trouble.MISSING),
        (client_error("InvalidArn"), Trouble.PERMANENT),
        (ReadTimeoutError(endpoint_url="x"), Trouble.TRANSIENT),
        (ConnectTimeoutError(endpoint_url="x"), Trouble.TRANSIENT),
        (EndpointConnectionError(endpoint_url="x"), Trouble.TRANSIENT),
        (NoCredentialsError(), Trouble.PERMISSION),
        (ParamValidationError(report="x"), Trouble.PERMANENT),
    ],
)
def test_what_an_error_means(error: AwsFailure, trouble: Trouble) -> None:
    assert classify(error) is trouble


def test_our_enums_are_those_of_botocores_models() -> None:
    session = botocore.session.get_session()
    states = session.get_service_model("stepfunctions").shape_for("ExecutionStatus")
    failures = session.get_service_model("codepipeline").shape_for("FailureType")
    assert set(Status) == set(states.enum)  # type: ignore[attr-defined]
    assert set(FailureType) <= set(failures.enum)  # type: ignore[attr-defined]
