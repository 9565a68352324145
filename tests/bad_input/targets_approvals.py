"""The function that answers requests for approval: what an approver, or anybody who may invoke it, sends."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hypothesis import strategies as st

from stepline.core.approvals import ANSWER_HEADER
from stepline.core.errors import SteplineError
from tests.bad_input.deploy_runner import deployment
from tests.bad_input.observed import USER_VALUE, observed
from tests.bad_input.outcome import Outcome, check_message
from tests.bad_input.strategies import any_value, mutated
from tests.bad_input.system_runner import Group
from tests.bad_input.targets import Target
from tests.cases import merged
from tests.statemachines.deploy.machine import load_handler

_EVENT = {
    "id": "0123456789ab-1",
    "decision": "approve",
    "reason": USER_VALUE,
    "proof": {
        "authorization": f"AWS4-HMAC-SHA256 SignedHeaders=host;{ANSWER_HEADER}, Signature={USER_VALUE}",
        "date": "20260101T000000Z",
        "securityToken": USER_VALUE,
    },
}


def _answer(event: Any) -> Outcome:
    """Invoke the function without any request in the table; an error that is not ours is raised."""
    with deployment() as machine, observed() as log:
        try:
            load_handler("answer_approval")(event, None)
        except SteplineError as error:
            check_message(error.message)
            assert USER_VALUE not in log.text
            assert machine.dynamodb.called("UpdateItem") == []
            return Outcome(type(error).__name__, error.message)
    raise AssertionError("an answer without a request was accepted")


def _run(given: Mapping[str, Any]) -> Outcome:
    """`event`: members that are merged over a valid event, null removes one; or `wholeEvent`."""
    return _answer(given["wholeEvent"] if "wholeEvent" in given else merged(_EVENT, given["event"]))


def _answer_of(event: Any) -> str:
    return _answer(event).kind


GROUPS: Mapping[str, Group] = {"approval_answers": _run}
TARGETS = (Target("approval-answer", st.one_of(mutated(_EVENT), any_value), _answer_of),)
