"""A few interleavings, always the same ones; `make interleavings` checks others."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import Phase

from pipeline import job_result, reporting
from pipeline.continuation import Continuation
from statemachines.deploy import execute_change_set
from tests.interleavings.search import search

_EXAMPLES = 25
_EXAMPLES_WITH_A_BUG = 15

pytestmark = pytest.mark.filterwarnings("ignore::hypothesis.errors.HypothesisWarning")


def test_invariants_hold_for_some_interleavings() -> None:
    search(None, examples=_EXAMPLES)


def _name_executions_by_number(patch: pytest.MonkeyPatch) -> None:
    """A repeated event of the same job starts another execution."""
    numbers = iter(range(10_000))
    name = property(lambda self: f"codepipeline-{self.first_job_id}-{next(numbers)}")
    patch.setattr(Continuation, "execution_name", name)


def _use_another_token(patch: pytest.MonkeyPatch) -> None:
    """A repeated request starts another update."""
    original = execute_change_set.execute_change_set

    class WithAnotherToken:
        def __init__(self, client: Any) -> None:
            self._client = client

        def __getattr__(self, name: str) -> Any:
            return getattr(self._client, name)

        def execute_change_set(self, **arguments: Any) -> Any:
            return self._client.execute_change_set(**{**arguments, "ClientRequestToken": "another"})

    patch.setattr(
        execute_change_set,
        "execute_change_set",
        lambda client, *arguments: original(WithAnotherToken(client), *arguments),  # type: ignore[arg-type]
    )


def _report_twice(patch: pytest.MonkeyPatch) -> None:
    """The trigger reports the result of a job again."""

    def twice(client: Any, job_id: str, given: job_result.JobResult) -> job_result.JobResult:
        job_result.report_result(client, job_id, given)
        return job_result.report_result(client, job_id, given)

    patch.setattr(reporting, "report_result", twice)


@pytest.mark.parametrize("introduce_bug", [_name_executions_by_number, _use_another_token, _report_twice])
def test_search_finds_a_bug(
    introduce_bug: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    introduce_bug(monkeypatch)
    with pytest.raises(AssertionError):
        search(None, examples=_EXAMPLES_WITH_A_BUG, phases=[Phase.generate])
