"""Checks of the files that the pipeline's action reads."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from stepline.aws.pipelines import ActionDefinition, PipelineDefinition, StageDefinition
from stepline.core.errors import UsageError
from stepline.deployment.input_check import check_input

SOURCE = ActionDefinition("Source", "Source", "CodeCommit", {})
TRIGGER = ActionDefinition("Deploy", "Invoke", "Lambda", {"FunctionName": "stepline-trigger"})
PROJECT = Path(__file__).parents[2]


def pipeline(*actions: ActionDefinition) -> PipelineDefinition:
    return PipelineDefinition("orders", None, "QUEUED", (StageDefinition("All", (SOURCE, *actions)),))


def write(folder: Path, **values: object) -> None:
    (folder / "state_machine_input.json").write_text(json.dumps({"stackName": "app", **values}))


def test_missing_input_says_what_to_write(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        check_input(tmp_path, pipeline(TRIGGER))
    assert str(caught.value) == (
        f"{tmp_path} has no state_machine_input.json, which action Deploy of pipeline orders reads: "
        'write it, such as {"environmentName": "dev", "stackName": "app", "templatePath": "template.yaml"}, '
        "or push nevertheless with --no-check"
    )


@pytest.mark.parametrize(
    ("named", "exists", "advice"),
    [
        ("template.yaml", "template.yml", ": did you mean template.yml?"),
        ("templates/orders.json", "templates/orders.yaml", ": did you mean orders.yaml?"),
        ("tempalte.yaml", "template.yaml", ": did you mean template.yaml?"),
        ("template.yaml", "other.md", ""),
        ("nowhere/template.yaml", "template.yaml", ""),
    ],
)
def test_missing_template_is_named(tmp_path: Path, named: str, exists: str, advice: str) -> None:
    (tmp_path / exists).parent.mkdir(exist_ok=True)
    (tmp_path / exists).write_text("")
    write(tmp_path, templatePath=named)
    with pytest.raises(UsageError) as caught:
        check_input(tmp_path, pipeline(TRIGGER))
    file = tmp_path / "state_machine_input.json"
    expected = f"{file} names {named} (templatePath), which {tmp_path} does not have{advice}"
    assert str(caught.value) == expected


def test_missing_template_configuration_is_named(tmp_path: Path) -> None:
    write(tmp_path, templateConfigurationPath="configuration.json")
    with pytest.raises(UsageError, match=r"names configuration\.json \(templateConfigurationPath\)"):
        check_input(tmp_path, pipeline(TRIGGER))


def test_input_that_is_not_json_is_named(tmp_path: Path) -> None:
    (tmp_path / "state_machine_input.json").write_text("{")
    with pytest.raises(UsageError, match=r"state_machine_input\.json is not JSON"):
        check_input(tmp_path, pipeline(TRIGGER))


def test_sample_application_is_complete() -> None:
    check_input(PROJECT / "app", pipeline(TRIGGER))


@pytest.mark.parametrize(
    "actions",
    [
        [ActionDefinition("Test", "Invoke", "Lambda", {"FunctionName": "smoke-test"})],
        [
            ActionDefinition(
                "Deploy", "Invoke", "Lambda", {"FunctionName": "a-trigger", "UserParameters": "in.json"}
            )
        ],
        [ActionDefinition("Build", "Build", "CodeBuild", {}), TRIGGER],
        [ActionDefinition("Deploy", "Deploy", "CloudFormation", {})],
        [],
    ],
)
def test_inputs_of_other_actions_are_not_known(tmp_path: Path, actions: list[ActionDefinition]) -> None:
    check_input(tmp_path, pipeline(*actions))


def test_missing_folder_is_left_to_git(tmp_path: Path) -> None:
    check_input(tmp_path / "nowhere", pipeline(TRIGGER))


COMMANDS = ActionDefinition("Build", "Compute", "Commands", {})


def test_input_of_an_application_that_is_built_is_not_known(tmp_path: Path) -> None:
    check_input(tmp_path, pipeline(COMMANDS, TRIGGER))
    write(tmp_path, templatePath="template.json")
    check_input(tmp_path, pipeline(COMMANDS, TRIGGER))


@pytest.mark.parametrize("actions", [(TRIGGER,), (COMMANDS, TRIGGER)])
def test_value_that_must_be_filled_in_is_named(tmp_path: Path, actions: tuple[ActionDefinition, ...]) -> None:
    (tmp_path / "template.yaml").write_text("")
    write(tmp_path, templatePath="template.yaml", templateConfigurationPath="prod.json")
    (tmp_path / "prod.json").write_text('{"Parameters": {"Size": "1", "Vpc": null, "Zone": null}}')
    with pytest.raises(UsageError, match=r"prod\.json has no value for Vpc, Zone: replace null"):
        check_input(tmp_path, pipeline(*actions))
    (tmp_path / "prod.json").write_text('{"Parameters": []}')
    check_input(tmp_path, pipeline(*actions))
