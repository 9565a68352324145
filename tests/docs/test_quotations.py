"""Messages, errors and states that the documentation quotes are those of the code."""

from __future__ import annotations

import ast
import functools
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from pipeline.messages import failure_message, running_summary, succeeded_summary
from statemachines.batch.failed_job import FailedJob
from statemachines.batch.parameters import parse_parameters
from statemachines.deploy.errors import ReplacementRefusedError
from stepline.core.errors import InvalidInputError
from stepline.core.executions.arns import ExecutionArn
from stepline.core.executions.describe import Execution, Status
from stepline.core.executions.failure import Failure
from stepline.core.executions.progress import Progress
from stepline.core.fields import Fields
from tests.docs.pages import PAGES, PROJECT, code_spans, page_name, read, tables

CODE = [*sorted(PROJECT.glob("pipeline/**/*.py")), *sorted(PROJECT.glob("statemachines/**/*.py"))]
STEPLINE = sorted(PROJECT.glob("stepline/**/*.py"))
ERRORS_OF_AWS = {"CannotPullContainerError", "OutOfMemoryError", "ResourceInitializationError"}
"""[ECS developer guide, "Stopped tasks error messages"]"""

_FIXED_CHARACTERS = 15
"""A message must have more than these besides its values: `{a}: {b}` would match everything."""


def states(definition: str) -> set[str]:
    return set(_states(json.loads(read(definition))))


def _states(machine: Any) -> Iterator[str]:
    for name, state in machine["States"].items():
        yield name
        for inner in (state.get("ItemProcessor"), state.get("Iterator"), *state.get("Branches", [])):
            if inner:
                yield from _states(inner)


@functools.cache
def code_words() -> frozenset[str]:
    return frozenset(word for file in (*CODE, *STEPLINE) for word in re.findall(r"\w+", file.read_text()))


@functools.cache
def messages() -> frozenset[str]:
    """Return the texts of the code, with `…` for each value that is inserted."""
    return frozenset(
        text
        for file in (*CODE, *STEPLINE)
        for node in ast.walk(ast.parse(file.read_text()))
        if (text := _text(node))
    )


def _text(node: ast.AST) -> str:
    match node:
        case ast.Constant(str(text)):
            return text
        case ast.JoinedStr(values):
            return "".join(_text(value) or "…" for value in values)
    return ""


def is_message(quotation: str) -> bool:
    """Return whether the text is a message or a part of one; `…` stands for an inserted value."""
    return any(quotation in message or _matches(message, quotation) for message in messages())


def _matches(message: str, quotation: str) -> bool:
    fixed = message.split("…")
    return (
        len(fixed) > 1
        and len("".join(fixed)) > _FIXED_CHARACTERS
        and re.fullmatch(".+".join(map(re.escape, fixed)), quotation) is not None
    )


def test_texts_of_the_action_are_those_of_the_code() -> None:
    """The texts of the page have the state, the duration and the ARN of real executions."""
    page = read("docs/trigger.md")
    running, succeeded, failed = re.findall(r"^```text\n(.*)\n```$", page, re.MULTILINE)
    known_states = states("statemachines/deploy/deploy.asl.json")
    error = ReplacementRefusedError(["Queue (AWS::SQS::Queue) would be replaced"], ["Queue"])
    failure = Failure(type(error).__name__, error.message, "Inspect Change Set", "Failure Clean")
    assert {"Wait For Creation", "Inspect Change Set", "Failure Clean"} <= known_states
    execution = _execution(running)
    assert running == running_summary(execution, Progress(state="Wait For Creation"), now=_after(seconds=1))
    assert succeeded == succeeded_summary(_execution(succeeded), "", now=_after(seconds=2))
    assert failed == failure_message(failure, _execution(failed).arn)


_STARTED = datetime(2026, 11, 21, tzinfo=UTC)


def _after(*, seconds: int) -> float:
    return (_STARTED + timedelta(seconds=seconds)).timestamp()


def _execution(text: str) -> Execution:
    """Return the execution to which the text links."""
    arn = ExecutionArn.parse(text.rpartition("/")[2])
    assert arn is not None
    return Execution(arn, Status.RUNNING, _STARTED)


@pytest.mark.parametrize(
    ("page", "heading", "column"),
    [
        ("docs/trigger.md", "## Invalid input", 1),
        ("docs/workflow.md", "| message |", 0),
    ],
)
def test_quoted_messages_are_those_of_the_code(page: str, heading: str, column: int) -> None:
    text = read(page)
    table = next(tables(text[text.index(heading) :]))
    quotations = [span for row in table for span in code_spans(row[column]) if " " in span]
    assert len(quotations) > 2
    assert [quotation for quotation in quotations if not is_message(quotation)] == []


@pytest.mark.parametrize("page", PAGES, ids=page_name)
def test_quoted_errors_exist(page: Path) -> None:
    quoted = set(re.findall(r"\b[A-Z]\w+Error\b", " ".join(code_spans(page.read_text()))))
    assert sorted(quoted - ERRORS_OF_AWS - code_words()) == []


def test_causes_of_failed_batch_executions_are_those_of_the_code() -> None:
    page = read("docs/batch.md")
    causes = {tuple(row[1:]) for row in next(tables(page[page.index("## Failures") :]))}
    with pytest.raises(InvalidInputError) as refused:
        parse_parameters(Fields({"parameters": {"step1_parameter": "one"}}, "the input"))
    job = FailedJob(
        id="<id>",
        status_reason="…",
        container_reason="",
        exit_code=1,
        log_stream="<stream>",
        attempts=1,
        was_stopped=False,
    )
    assert ("`InvalidInputError`", f"`{refused.value.message}`") in causes
    assert (f"`{job.failure.value}`", f"`{job.describe('<group>')}`") in causes
    (timed_out,) = (cause.strip("`") for error, cause in causes if error == "`States.Timeout`")
    assert is_message(timed_out)


def test_states_in_the_diagram_of_the_deploy_machine_exist() -> None:
    diagram = read("statemachines/deploy/README.md").partition("```mermaid")[2].partition("```")[0]
    diagram_states = set(re.findall(r"\w\[([^\]]+)\]|\{\{([^}]+)\}\}", diagram))
    assert diagram_states
    assert {one or other for one, other in diagram_states} <= states("statemachines/deploy/deploy.asl.json")


def test_states_in_the_diagram_of_the_batch_workflow_exist() -> None:
    diagram = read("docs/batch.md").partition("```\n")[2].partition("```")[0]
    diagram_states = {
        "Validate Input",
        "Run Step 1 Job",
        "Run Step 2",
        "Run Step 3",
        "Report Jobs",
        "Input Refused",
    }
    assert [state for state in diagram_states if state not in diagram] == []
    assert diagram_states <= states("statemachines/batch/batch.asl.json")
