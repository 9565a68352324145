"""The steps of the acceptance run, and the table of what they expect and see."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from rich.table import Table

from stepline.core.aws_errors import AWS_FAILURES
from stepline.core.errors import SteplineError
from stepline.core.text import cut, one_line
from tests.acceptance.environment import Environment

_SHOWN_CHARACTERS = 300


@dataclass(frozen=True)
class Step:
    """`run` returns what it sees, which is right if it begins with `expected`."""

    system: str
    name: str
    expected: str
    run: Callable[[Environment], str]


@dataclass(frozen=True)
class Result:
    step: Step
    seen: str
    seconds: float

    @property
    def passed(self) -> bool:
        return self.seen.startswith(self.step.expected)


def run_steps(steps: Iterable[Step], environment: Environment) -> Iterator[Result]:
    """Run each step. A failed one does not stop the others, unless the budget is used up."""
    for step in steps:
        started = time.monotonic()
        if environment.remaining_seconds:
            seen = _seen(step, environment)
        else:
            seen = "not run: the time of the run is used up"
        yield Result(step, cut(one_line(seen), _SHOWN_CHARACTERS), time.monotonic() - started)


def _seen(step: Step, environment: Environment) -> str:
    try:
        return step.run(environment)
    except SteplineError as error:
        return f"{type(error).__name__}: {error.message}"
    except AWS_FAILURES as error:
        return str(error)
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"{type(error).__name__}: {error}"


def table(results: Iterable[Result]) -> Table:
    rendered = Table("", "system", "step", "expected", "seen", "seconds", pad_edge=False)
    for result in results:
        mark = "✓" if result.passed else "✗"
        row = (
            result.step.system,
            result.step.name,
            result.step.expected,
            result.seen,
            f"{result.seconds:.0f}",
        )
        rendered.add_row(mark, *row, style="" if result.passed else "bold red")
    return rendered
