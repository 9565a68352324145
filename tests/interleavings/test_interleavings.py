"""A few interleavings, always the same; `python -m tests.interleavings` looks for others."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import Phase

from pipeline import job_result, trigger
from pipeline.continuation import Continuation
from statemachines.deploy import execute_change_set
from tests.interleavings.search import search

_EXAMPLES = 25
_EXAMPLES_OF_A_MISTAKE = 15

pytestmark = pytest.mark.filterwarnings("ignore::hypothesis.errors.HypothesisWarning")


def test_everything_holds() -> None:
    search(None, examples=_EXAMPLES)


def _name_by_the_clock(patch: pytest.MonkeyPatch) -> None:
    """Another delivery of the same job would start another execution."""
    numbers = iter(range(10_000))
    name = property(lambda self: f"codepipeline-{self.first_job_id}-{next(numbers)}")
    patch.setattr(Continuation, "execution_name", name)


def _token_left_out(patch: pytest.MonkeyPatch) -> None:
    """The update would not be known again."""
    right = execute_change_set.execute_change_set

    class WithoutToken:
        def __init__(self, client: Any) -> None:
            self._client = client

        def __getattr__(self, name: str) -> Any:
            return getattr(self._client, name)

        def execute_change_set(self, **arguments: Any) -> Any:
            return self._client.execute_change_set(**{**arguments, "ClientRequestToken": "another"})

    patch.setattr(
        execute_change_set,
        "execute_change_set",
        lambda client, *arguments: right(WithoutToken(client), *arguments),  # type: ignore[arg-type]
    )


def _answered_twice(patch: pytest.MonkeyPatch) -> None:
    def twice(client: Any, job_id: str, given: job_result.JobResult) -> job_result.JobResult:
        job_result.report_result(client, job_id, given)
        return job_result.report_result(client, job_id, given)

    patch.setattr(trigger, "report_result", twice)


@pytest.mark.parametrize("mistake", [_name_by_the_clock, _token_left_out, _answered_twice])
def test_a_mistake_is_found(
    mistake: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    mistake(monkeypatch)
    with pytest.raises(AssertionError):
        search(None, examples=_EXAMPLES_OF_A_MISTAKE, phases=[Phase.generate])
