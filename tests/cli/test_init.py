"""`stepline init`, and what other commands find in a folder that it has prepared."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from stepline.cli import options
from stepline.core.errors import UsageError
from stepline.deployment import project
from tests.cli.conftest import Stepline

SETTINGS = """\
version = 0.1
[default.deploy.parameters]
stack_name = "orders-pipeline"
parameter_overrides = ["PipelineName=orders", "Build=Commands"]
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with a template that lacks values and has a role."""
    folder = tmp_path / "orders"
    folder.mkdir()
    (folder / "template.yaml").write_text(
        "Parameters: {Vpc: {Type: 'AWS::EC2::VPC::Id', Description: Where it runs},"
        " Password: {Type: String, NoEcho: true}}\n"
        "Resources: {Role: {Type: AWS::IAM::Role}}\n"
    )
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def initialized(folder: Path) -> Path:
    (folder / "state_machine_input.json").write_text("{}")
    (folder / "stepline.toml").write_text(SETTINGS)
    return folder


def test_init_lists_its_files_and_the_next_commands(stepline: Stepline, folder: Path) -> None:
    result = stepline("init")
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[0] == "orders is a CloudFormation template."
    assert [line.split()[1].rstrip(":") for line in lines[1:4]] == [
        "stepline.toml",
        "state_machine_input.json",
        "template_configuration.json",
    ]
    assert "state_machine_input.json acknowledges CAPABILITY_IAM, because of its resources." in lines
    assert "  Vpc (AWS::EC2::VPC::Id): Where it runs" in lines
    assert "{{resolve:secretsmanager:NAME}}" in result.stdout
    assert lines[-3:] == ["Next:", "  stepline up --detach", "  stepline push --watch"]


def test_init_of_another_folder_says_where_to_go(
    stepline: Stepline, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder.parent)
    assert stepline("init", "orders").stdout.splitlines()[-3] == "  cd orders"
    assert (folder / "state_machine_input.json").is_file()


def test_init_changes_no_existing_file(stepline: Stepline, folder: Path) -> None:
    stepline("init")
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    (folder / "state_machine_input.json").write_text("{}")
    result = stepline("init")
    assert result.exit_code == 0
    assert "stepline.toml exists already" in result.stdout
    assert (
        "state_machine_input.json exists already and is kept: templatePath must be template.yaml"
        in result.stdout
    )
    assert (folder / "state_machine_input.json").read_text() == "{}"
    assert (folder / "stepline.toml").read_bytes() == before["stepline.toml"]


def test_init_warns_of_a_build_script_that_exists(stepline: Stepline, folder: Path) -> None:
    (folder / "template.yaml").write_text(
        "Resources: {F: {Type: AWS::Lambda::Function, Properties: {Code: src}}}\n"
    )
    (folder / "build.sh").write_text("make\n")
    result = stepline("init")
    assert "build.sh exists already and is kept: the pipeline runs it" in result.stdout
    assert (folder / "build.sh").read_text() == "make\n"


def test_init_without_application_writes_nothing(stepline: Stepline, folder: Path) -> None:
    (folder / "template.yaml").unlink()
    result = stepline("init")
    assert result.exit_code == 1
    assert "choose --sam, --cdk or --template FILE" in result.stderr
    assert list(folder.iterdir()) == []


def test_up_deploys_the_pipeline_of_the_application(initialized: Path) -> None:
    deployment = options.main_deployment(None, None, {"Build": "CodeBuild"})
    assert deployment.template == project.own_template()
    assert deployment.stack_name == "orders-pipeline"
    assert deployment.parameters == {"PipelineName": "orders", "Build": "CodeBuild"}


def test_options_of_up_replace_the_settings(initialized: Path) -> None:
    given = options.main_deployment(Path("other.yaml"), None, {})
    assert (given.template, given.stack_name, given.parameters) == (Path("other.yaml"), "stepline", {})
    assert options.main_deployment(None, "other", {}).stack_name == "other"


def test_folder_without_input_deploys_its_template(folder: Path) -> None:
    assert options.main_deployment(None, None, {}).template == Path("template.yaml")


def test_template_of_the_settings_is_deployed(initialized: Path) -> None:
    (initialized / "stepline.toml").write_text(
        "[default.deploy.parameters]\ntemplate_file = 'pipeline.yaml'\n"
    )
    assert options.main_deployment(None, None, {}).template == Path("pipeline.yaml")


def test_stack_of_the_settings_comes_first(initialized: Path) -> None:
    assert options.default_stack_name() == "orders-pipeline"


def test_wrong_settings_are_one_line(stepline: Stepline, initialized: Path) -> None:
    (initialized / "stepline.toml").write_text("[")
    result = stepline("up")
    assert result.exit_code == 1
    assert result.stderr.startswith("stepline: stepline.toml is not TOML")


def test_pipeline_of_the_settings_is_used(
    initialized: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked: list[str | None] = []
    find: Callable[..., None] = lambda _target, name: asked.append(name)  # noqa: E731
    monkeypatch.setattr(options, "find_pipeline", find)
    target: object = None
    options.find_chosen_pipeline(target, None)  # type: ignore[arg-type]
    options.find_chosen_pipeline(target, "other")  # type: ignore[arg-type]
    options.find_chosen_pipeline(target, None, tmp_path)  # type: ignore[arg-type]
    assert asked == ["orders", "other", None]


def test_missing_pipeline_of_the_settings_says_how_to_deploy_it(
    initialized: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def find(_target: object, name: str) -> None:
        raise UsageError(f"pipeline {name!r} does not exist")

    monkeypatch.setattr(options, "find_pipeline", find)
    with pytest.raises(UsageError) as raised:
        options.find_chosen_pipeline(None, None)  # type: ignore[arg-type]
    assert raised.value.message == (
        "pipeline 'orders' does not exist; stepline.toml names it: deploy it first (locally: `stepline up`)"
    )
