"""All statuses of change sets in botocore's model."""

from __future__ import annotations

from typing import Any

import botocore.session
import pytest

from stepline.core.cloudformation.change_sets import ChangeSetState, change_set_state

_MODEL: Any = botocore.session.get_session().get_service_model("cloudformation")
STATUSES = _MODEL.shape_for("ChangeSetStatus").enum
EXECUTION_STATUSES = _MODEL.shape_for("ExecutionStatus").enum


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("execution_status", EXECUTION_STATUSES)
def test_every_status_of_the_model_is_known(status: str, execution_status: str) -> None:
    assert change_set_state(status, execution_status, "") is not ChangeSetState.UNKNOWN


def test_created_change_set_that_cannot_be_executed_yet_is_still_running() -> None:
    assert change_set_state("CREATE_COMPLETE", "UNAVAILABLE", "") is ChangeSetState.RUNNING
    assert change_set_state("CREATE_COMPLETE", "AVAILABLE", "") is ChangeSetState.READY


@pytest.mark.parametrize(
    "reason",
    [
        "The submitted information didn't contain changes. Submit different information to create a"
        " change set.",
        "No updates are to be performed.",
    ],
)
def test_change_set_without_changes_is_unchanged(reason: str) -> None:
    assert change_set_state("FAILED", "UNAVAILABLE", reason) is ChangeSetState.UNCHANGED


@pytest.mark.parametrize(
    "reason",
    [
        "Transform 111122223333::Names failed with: No updates are to be performed.",
        "Transform 111122223333::Names failed with: The submitted information didn't contain changes.",
        "Nested change set arn:aws:cloudformation:eu-west-1:111122223333:changeSet/a/1 was not successfully"
        " created: Currently in FAILED.",
        "The following hook(s) failed: [Our::Hook: No updates are to be performed.]",
    ],
)
def test_other_reason_that_quotes_these_sentences_is_a_failure(reason: str) -> None:
    assert change_set_state("FAILED", "UNAVAILABLE", reason) is ChangeSetState.FAILED


def test_new_status_is_unknown() -> None:
    assert change_set_state("SLEEPING", "AVAILABLE", "") is ChangeSetState.UNKNOWN
