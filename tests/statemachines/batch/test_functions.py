"""The functions of the batch workflow with their local events, and the program of the image."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from statemachines.batch import explain_failure, validate_input
from statemachines.batch.parameters import job_name_prefix
from statemachines.task import Handler
from stepline.core.errors import InvalidInputError, SettingsError
from tests.statemachines.batch.machine import ENVIRONMENT, PROJECT

EVENTS = PROJECT / "local_events"
PROGRAM = PROJECT / "statemachines/batch/image/program.py"


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)


def event(name: str) -> Any:
    return json.loads((EVENTS / f"{name}.json").read_text())


def test_valid_input_becomes_a_plan() -> None:
    assert validate_input.handler(event("validate_input/three_steps"), None) == {
        "step1": "one",
        "step2": ["a", "2", '{"x": 1}'],
        "step3": ["p", "q"],
        "jobNamePrefix": "nightly-2026-11-21",
        "maxConcurrency": 2,
    }


def test_input_without_a_list_is_refused() -> None:
    with pytest.raises(InvalidInputError, match='lacks "step3_parameters"'):
        validate_input.handler(event("validate_input/list_missing"), None)


def test_failed_job_is_explained() -> None:
    answer = explain_failure.handler(event("explain_failure/failed_job"), None)
    assert answer["error"] == "JobFailedError"
    assert answer["cause"].startswith(
        "nightly-2026-11-21-step2-1: Essential container in task exited; exit code 1"
    )


@pytest.mark.parametrize(
    ("name", "handler", "path"),
    [
        ("MAX_CONCURRENCY", validate_input.handler, "validate_input/three_steps"),
        ("JOB_LOG_GROUP", explain_failure.handler, "explain_failure/failed_job"),
    ],
)
def test_missing_setting_is_named(
    monkeypatch: pytest.MonkeyPatch, name: str, handler: Handler, path: str
) -> None:
    monkeypatch.delenv(name)
    with pytest.raises(SettingsError, match=name):
        handler(event(path), None)


@pytest.mark.parametrize(
    ("execution", "prefix"),
    [("nightly-1", "nightly-1"), ("a.b c", "a-b-c"), ("--x", "x"), ("é", "job"), ("n" * 80, "n" * 80)],
)
def test_job_names_start_with_the_name_of_the_execution(execution: str, prefix: str) -> None:
    assert job_name_prefix(execution) == prefix


def run_program(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(PROGRAM), *arguments]
    return subprocess.run(command, env={"AWS_BATCH_JOB_ID": "j"}, capture_output=True, text=True, check=False)


def test_program_prints_its_parameters() -> None:
    result = run_program("--step=2", "--item=0", "--parameter=--help")
    assert result.returncode == 0
    assert json.loads(result.stdout) == {
        "message": "parameters",
        "step": 2,
        "item": 0,
        "parameter": "--help",
        "job_id": "j",
        "attempt": None,
    }


def test_program_names_a_missing_argument() -> None:
    result = run_program("--step=2")
    assert result.returncode == 2
    assert "--parameter" in result.stderr


def test_program_ends_on_sigterm() -> None:
    text = (
        "import os, runpy, signal, sys\n"
        f"program = runpy.run_path({str(PROGRAM)!r})\n"
        "signal.signal(signal.SIGTERM, program['stop'])\n"
        "os.kill(os.getpid(), signal.SIGTERM)\n"
    )
    result = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=False)
    assert (result.returncode, json.loads(result.stdout)) == (143, {"message": "stopped"})


def test_base_image_has_no_registry_host() -> None:
    lines = Path(PROGRAM).with_name("Dockerfile").read_text().splitlines()
    (base,) = [line.removeprefix("FROM ") for line in lines if line.startswith("FROM ")]
    assert "/" not in base
