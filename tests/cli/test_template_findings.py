"""`push`, `up` and `run` check templates with cfn-lint, a process that the tests replace except for one."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from stepline.aws.target import Target
from stepline.cli import startup, template_findings
from stepline.core.errors import UsageError
from stepline.deployment import project, template_check
from stepline.deployment.systems import Deployment
from stepline.deployment.template_check import SAMPLE_DIGEST, Finding, check_templates, templates_of
from tests.aws.fakes import Answers
from tests.cli.conftest import Stepline
from tests.cli.local_pipeline import WAITING, LocalPipeline
from tests.git.repositories import BareRepository

QUEUE = "Resources:\n  Queue:\n    Type: AWS::SQS::Queue\n"
ERROR = Finding("app/template.yaml", 3, 5, "E3002", "Unknown property", is_error=True)
WARNING = Finding("app/template.yaml", 1, 1, "W2001", "Parameter Size not used", is_error=False)

Find = Callable[..., list[list[Path]]]


@pytest.fixture
def find(monkeypatch: pytest.MonkeyPatch) -> Find:
    """Let cfn-lint find something; returns the templates that it was given."""

    def prepare(*findings: Finding) -> list[list[Path]]:
        given: list[list[Path]] = []

        def check(templates: Sequence[Path], *, region: str | None) -> list[Finding]:
            assert region == "us-east-1"
            given.append(list(templates))
            return list(findings)

        monkeypatch.setattr(template_check, "check_templates", check)
        return given

    return prepare


@pytest.fixture
def repository(
    git_without_settings: None,
    use_target: Callable[[Target], None],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> BareRepository:
    """The source of a pipeline, beside a folder `app` with a template."""
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "app/template.yaml", QUEUE)
    repository = BareRepository(tmp_path / "server.git")
    metadata = {"repositoryMetadata": {"cloneUrlHttp": str(repository.folder)}}
    codecommit = Answers({"get_repository": metadata})
    use_target(LocalPipeline(WAITING).target(codecommit=codecommit))
    return repository


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_error_stops_a_push(stepline: Stepline, repository: BareRepository, find: Find) -> None:
    given = find(ERROR, WARNING)
    result = stepline("push")
    assert result.exit_code == 1
    assert result.stderr.splitlines()[1:] == [
        "app/template.yaml:3:5: E3002 Unknown property",
        "app/template.yaml:1:1: W2001 Parameter Size not used",
        "stepline: cfn-lint found 1 error in the templates: correct them, or go on with --no-check",
    ]
    assert given == [[Path("app/template.yaml")]]
    with pytest.raises(subprocess.CalledProcessError):  # the branch does not exist
        repository.log("%s")


def test_warnings_are_shown_and_do_not_stop_a_push(
    stepline: Stepline, repository: BareRepository, find: Find
) -> None:
    find(WARNING)
    result = stepline("push")
    assert result.exit_code == 0
    assert "app/template.yaml:1:1: W2001 Parameter Size not used" in result.stderr
    assert repository.log("%s") == ["Update app"]


def test_push_without_check_does_not_run_cfn_lint(
    stepline: Stepline, repository: BareRepository, find: Find
) -> None:
    given = find(ERROR)
    assert stepline("push", "--no-check").exit_code == 0
    assert given == []


def test_push_goes_on_where_cfn_lint_is_not_installed(
    stepline: Stepline, repository: BareRepository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(template_check, "is_available", lambda: False)
    result = stepline("push")
    assert result.exit_code == 0
    assert "the templates are not checked: that needs `pip install 'stepline[local]'`" in result.stderr


def test_template_of_the_user_is_checked_before_the_local_aws_starts(tmp_path: Path, find: Find) -> None:
    template = write(tmp_path / "template.yaml", QUEUE)
    given = find(ERROR, ERROR)
    with pytest.raises(UsageError, match="cfn-lint found 2 errors"):
        startup.check_templates(Deployment(template, "s", {}), region="us-east-1")
    assert given == [[template]]


def test_templates_of_stepline_itself_are_not_checked(find: Find) -> None:
    given = find(ERROR)
    own = [project.installed("template.yaml"), project.installed("statemachines/batch/template.yaml")]
    startup.check_templates(*(Deployment(template, "s", {}) for template in own), region="us-east-1")
    template_findings.check_and_show(templates_of(project.installed("app")), region="us-east-1")
    assert given == []


def test_digest_is_that_of_the_sample_application() -> None:
    """`make lint` runs cfn-lint on it."""
    template = project.installed("app/template.yaml")
    assert hashlib.sha256(template.read_bytes()).hexdigest() == SAMPLE_DIGEST


def test_templates_of_a_folder_are_found(tmp_path: Path) -> None:
    write(tmp_path / "state_machine_input.json", json.dumps({"templatePath": "stack.txt"}))
    expected = [
        write(tmp_path / "nested/database.json", json.dumps({"Resources": {"A": {"Type": "AWS::A::B"}}})),
        write(tmp_path / "stack.txt", QUEUE),
        write(tmp_path / "template.yml", QUEUE),
    ]
    write(tmp_path / ".git/template.yaml", QUEUE)
    write(tmp_path / "openapi.yaml", "Resources: a word\n")
    write(tmp_path / "other.json", '{"Type": "AWS::SQS::Queue"}')
    write(tmp_path / "image.yaml", "").write_bytes(b"\xff\x00")
    assert templates_of(tmp_path) == expected


def test_folders_that_are_not_searched_are_not_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project_folder = tmp_path / "project"
    for name in ("node_modules", ".venv", ".git", "src"):
        (project_folder / name / "deep").mkdir(parents=True)
    listed: list[Path] = []
    scandir = os.scandir

    def list_folder(path: Any) -> Any:
        listed.append(Path(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", list_folder)
    templates_of(project_folder)
    below = [each for each in listed if each.is_relative_to(project_folder)]
    assert below == [project_folder, project_folder / "src", project_folder / "src/deep"]


@pytest.mark.parametrize("text", ["", "{", "[]", '{"templatePath": 1}', '{"templatePath": "missing"}'])
def test_invalid_input_of_the_application_is_left_to_the_pipeline(tmp_path: Path, text: str) -> None:
    write(tmp_path / "state_machine_input.json", text)
    assert templates_of(tmp_path) == []


def test_cfn_lint_names_file_and_line(tmp_path: Path) -> None:
    unused = "Parameters:\n  Size:\n    Type: String\n"
    template = write(tmp_path / "a.yaml", f"{unused}{QUEUE}    Properties:\n      Name: a\n")
    broken = write(tmp_path / "b.yaml", "Resources: [\n")
    findings = check_templates([template, broken], region="eu-central-1")
    assert [(finding.file, finding.rule[0], finding.is_error) for finding in findings] == [
        (str(template), "E", True),
        (str(broken), "E", True),
        (str(template), "W", False),
    ]
    assert (findings[0].line, findings[0].rule) == (8, "E3002")
    assert "Name" in findings[0].message
    assert check_templates([], region=None) == []
