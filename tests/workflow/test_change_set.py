"""Statuses of change sets, all that botocore knows."""

from __future__ import annotations

from typing import Any

import botocore.session
import pytest

from stepline.errors import UsageError
from stepline.workflow.change_set import State, state_of

_MODEL: Any = botocore.session.get_session().get_service_model("cloudformation")
STATUSES = _MODEL.shape_for("ChangeSetStatus").enum


@pytest.mark.parametrize("status", STATUSES)
def test_a_status_is_known(status: str) -> None:
    pending = {"CREATE_PENDING", "CREATE_IN_PROGRESS"}
    expected = State.PENDING if status in pending else State.FAILED
    assert state_of(status, "") is (State.READY if status == "CREATE_COMPLETE" else expected)


@pytest.mark.parametrize(
    "reason",
    [
        "The submitted information didn't contain changes. Submit different information.",
        "No updates are to be performed.",
    ],
)
def test_no_change_is_no_failure(reason: str) -> None:
    assert state_of("FAILED", reason) is State.EMPTY


def test_an_unknown_status_is_refused() -> None:
    with pytest.raises(UsageError, match="SLEEPING"):
        state_of("SLEEPING", "")
