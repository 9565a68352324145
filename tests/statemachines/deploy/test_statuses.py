"""Every status of stacks and change sets has a meaning. The lists are those of botocore's model."""

from __future__ import annotations

import pytest

from statemachines.deploy import change_sets
from stepline.core.cloudformation.errors import ManualInterventionRequiredError
from stepline.core.cloudformation.stack_status import (
    Phase,
    StackStatus,
    manual_intervention_error,
    parse_status,
    phase_of,
)
from stepline.core.errors import SteplineError
from stepline.localaws.protocol.service import service_model

NO_CHANGES = (
    "The submitted information didn't contain changes. Submit different information to create a change set."
)
CHANGE_SET_STATES = [
    ("CREATE_PENDING", "UNAVAILABLE", "", "running"),
    ("CREATE_IN_PROGRESS", "UNAVAILABLE", "", "running"),
    ("CREATE_COMPLETE", "UNAVAILABLE", "", "running"),
    ("CREATE_COMPLETE", "AVAILABLE", "", "ready"),
    ("CREATE_COMPLETE", "EXECUTE_IN_PROGRESS", "", "ready"),
    ("CREATE_COMPLETE", "EXECUTE_COMPLETE", "", "ready"),
    ("CREATE_COMPLETE", "EXECUTE_FAILED", "", "ready"),
    ("FAILED", "UNAVAILABLE", NO_CHANGES, "unchanged"),
    ("FAILED", "UNAVAILABLE", "No updates are to be performed.", "unchanged"),
]
CHANGE_SET_ERRORS = [
    ("CREATE_COMPLETE", "OBSOLETE", "", "StackChangedError"),
    ("FAILED", "UNAVAILABLE", "Transform AWS::Serverless-2016-10-31 failed with: no", "ChangeSetFailedError"),
    ("FAILED", "UNAVAILABLE", "Requires capabilities : [CAPABILITY_IAM]", "MissingCapabilityError"),
    ("FAILED", "UNAVAILABLE", "", "ChangeSetFailedError"),
    ("DELETE_PENDING", "UNAVAILABLE", "", "StackChangedError"),
    ("DELETE_IN_PROGRESS", "UNAVAILABLE", "", "StackChangedError"),
    ("DELETE_COMPLETE", "UNAVAILABLE", "", "StackChangedError"),
    ("DELETE_FAILED", "UNAVAILABLE", "", "StackChangedError"),
    ("SOMETHING_NEW", "UNAVAILABLE", "", "ChangeSetFailedError"),
]


def enum_of(shape: str) -> list[str]:
    """Return the values of an enum in botocore's model of CloudFormation."""
    values: list[str] = service_model("cloudformation").shape_for(shape).enum  # type: ignore[attr-defined]
    return values


def test_stack_statuses_are_those_of_cloudformation() -> None:
    assert sorted(StackStatus) == sorted(enum_of("StackStatus"))


@pytest.mark.parametrize("status", StackStatus)
def test_every_stack_status_has_a_phase(status: StackStatus) -> None:
    phase = phase_of(status)
    if status.endswith("_IN_PROGRESS"):
        assert phase is (Phase.DELETE_ONLY if status == "REVIEW_IN_PROGRESS" else Phase.RUNNING)
    else:
        assert phase is not Phase.RUNNING
    if phase is Phase.STUCK:
        assert status in manual_intervention_error("dev-app", status).message
    if phase is Phase.DONE:
        assert status.endswith("_COMPLETE")
        assert "ROLLBACK" not in status


def test_unknown_stack_status_is_refused() -> None:
    with pytest.raises(
        ManualInterventionRequiredError, match='"CREATE_DREAMING", which this version does not know'
    ):
        parse_status("CREATE_DREAMING")


@pytest.mark.parametrize(("status", "execution_status", "reason", "state"), CHANGE_SET_STATES)
def test_change_set_has_a_state(status: str, execution_status: str, reason: str, state: str) -> None:
    assert change_sets.check_state(status, execution_status, reason) == state


@pytest.mark.parametrize(("status", "execution_status", "reason", "error"), CHANGE_SET_ERRORS)
def test_change_set_that_cannot_be_executed_is_an_error(
    status: str, execution_status: str, reason: str, error: str
) -> None:
    with pytest.raises(SteplineError) as caught:
        change_sets.check_state(status, execution_status, reason)
    assert type(caught.value).__name__ == error


def test_every_change_set_status_is_tested() -> None:
    tested = [*CHANGE_SET_STATES, *CHANGE_SET_ERRORS]
    assert {status for status, *_ in tested} >= set(enum_of("ChangeSetStatus"))
    assert {execution_status for _, execution_status, *_ in tested} == set(enum_of("ExecutionStatus"))
