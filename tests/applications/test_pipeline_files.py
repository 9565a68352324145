"""The files that `stepline init` writes."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from stepline.applications.detection import find_application
from stepline.applications.pipeline_files import files_of, missing_parameters, project_name
from stepline.applications.settings import pipeline_name, pipeline_settings
from stepline.deployment.stack_names import longest_stack_name
from stepline.deployment.template import read_template

ROOT = Path(__file__).parents[2]
QUEUE = "Resources: {Queue: {Type: AWS::SQS::Queue}}\n"
SAM = """\
Transform: AWS::Serverless-2016-10-31
Globals: {Function: {Runtime: python3.12}}
Parameters: {Stage: {Type: String}, Vpc: {Type: String}, Size: {Type: Number, Default: 1}}
Resources:
  Python: {Type: AWS::Serverless::Function, Properties: {CodeUri: src}}
  Node: {Type: AWS::Serverless::Function, Properties: {CodeUri: node, Runtime: nodejs22.x}}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "Order Service").mkdir()
    return tmp_path / "Order Service"


def written(folder: Path, build: str = "Commands", **options: Any) -> dict[str, str]:
    """Return the content of the files for the application in the folder, and write them."""
    application = find_application(folder, **{"sam": False, "cdk": False, "template": None} | options)
    files = {file.name: file.content for file in files_of(application, build=build)}
    for name, content in files.items():
        (folder / name).write_text(content)
    return files


def test_template_needs_only_an_input_and_a_pipeline(folder: Path) -> None:
    (folder / "queue.yaml").write_text(QUEUE)
    files = written(folder)
    assert files.keys() == {"stepline.toml", "state_machine_input.json"}
    assert json.loads(files["state_machine_input.json"]) == {
        "environmentName": "dev",
        "stackName": "order-service-app",
        "templatePath": "queue.yaml",
    }


def test_settings_are_those_of_the_pipeline(folder: Path) -> None:
    (folder / "queue.yaml").write_text(QUEUE)
    written(folder)
    settings = pipeline_settings(folder)
    assert settings.stack_name == "order-service-pipeline"
    assert settings.parameters == {
        "PipelineName": "order-service",
        "RepositoryName": "order-service",
        "ApplicationPolicyArns": "arn:aws:iam::aws:policy/AdministratorAccess",
    }
    assert settings.parameters.keys() <= read_template(ROOT / "template.yaml")["Parameters"].keys()
    assert pipeline_name(folder) == "order-service"


def test_settings_deploy_the_pipeline_with_the_options_of_its_samconfig(folder: Path) -> None:
    (folder / "queue.yaml").write_text(QUEUE)
    parameters = tomllib.loads(written(folder)["stepline.toml"])["default"]["deploy"]["parameters"]
    own = tomllib.loads((ROOT / "samconfig.toml").read_text())["default"]["deploy"]["parameters"]
    kept = own.keys() - {"s3_prefix"}
    assert {name: parameters[name] for name in kept} == {name: own[name] for name in kept}


def test_sam_application_is_built(folder: Path) -> None:
    (folder / "template.yaml").write_text(SAM)
    (folder / "samconfig.toml").write_text(
        "[default.deploy.parameters]\nparameter_overrides = 'Stage=dev Size=2'\n"
    )
    files = written(folder)
    assert files.keys() == {
        "stepline.toml",
        "state_machine_input.json",
        "template_configuration.json",
        "build.sh",
        ".gitignore",
    }
    document = json.loads(files["state_machine_input.json"])
    assert document["capabilities"] == ["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"]
    assert document["templateConfigurationPath"] == "template_configuration.json"
    assert json.loads(files["template_configuration.json"]) == {
        "Parameters": {"Stage": "dev", "Vpc": None, "Size": "2"}
    }
    assert pipeline_settings(folder).parameters["Build"] == "Commands"
    assert "sam build --template-file template.yaml\n" in files["build.sh"]


def test_buildspec_selects_the_runtimes_of_the_functions(folder: Path) -> None:
    (folder / "template.yaml").write_text(SAM)
    files = written(folder, "CodeBuild")
    phases = yaml.safe_load(files["buildspec.yml"])["phases"]
    assert phases["install"] == {"runtime-versions": {"python": 3.12, "nodejs": 22}}
    assert phases["build"] == {"commands": ["sh build.sh"]}
    assert pipeline_settings(folder).parameters["Build"] == "CodeBuild"


@pytest.mark.parametrize(
    "sections",
    [
        "Resources: {Odd: 5, Api: {Type: AWS::Serverless::Api, Properties: [1]}}",
        "Globals: {Function: 5}\nResources: {Api: {Type: AWS::Serverless::Api}}",
        "Globals: [1]\nResources: {Api: {Type: AWS::Serverless::Api}}",
    ],
)
def test_sections_that_are_not_objects_are_left_to_the_check_of_the_template(
    folder: Path, sections: str
) -> None:
    (folder / "template.yaml").write_text(f"Transform: AWS::Serverless-2016-10-31\n{sections}\n")
    (folder / "samconfig.toml").write_text("version = 0.1\n")
    files = written(folder, "CodeBuild", sam=True)
    assert "runtime-versions: { python: 3.13 }" in files["buildspec.yml"]


def test_cdk_application_acknowledges_what_cdk_deploy_does(folder: Path) -> None:
    (folder / "cdk.json").write_text('{"app": "python3 app.py"}')
    files = written(folder, "CodeBuild")
    assert files.keys() == {
        "stepline.toml",
        "state_machine_input.json",
        "build.sh",
        "package_cdk.py",
        "buildspec.yml",
        ".gitignore",
    }
    document = json.loads(files["state_machine_input.json"])
    assert document["templatePath"] == "template.json"
    assert document["capabilities"] == ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"]
    runtimes = yaml.safe_load(files["buildspec.yml"])["phases"]["install"]["runtime-versions"]
    assert runtimes == {"nodejs": 22, "python": 3.13}


def test_template_with_local_files_is_packaged(folder: Path) -> None:
    (folder / "app.yaml").write_text(
        "Resources: {F: {Type: AWS::Lambda::Function, Properties: {Code: src}}}\n"
    )
    assert "aws cloudformation package --template-file app.yaml " in written(folder)["build.sh"]


def test_values_that_a_template_configuration_has_are_not_asked_for(folder: Path) -> None:
    (folder / "template.yaml").write_text(SAM)
    application = find_application(folder, sam=True, cdk=False, template=None)
    assert [parameter.name for parameter in missing_parameters(application)] == ["Stage", "Vpc"]
    (folder / "template_configuration.json").write_text('{"Parameters": {"Stage": "dev", "Vpc": null}}')
    assert [parameter.name for parameter in missing_parameters(application)] == ["Vpc"]


@pytest.mark.parametrize(
    ("folder_name", "name"),
    [
        ("orders", "orders"),
        ("Order_Service 2", "order-service-2"),
        ("2024-orders", "app-2024-orders"),
        ("日本", "app"),
        ("a-very-long-name-of-a-project", "a-very-long-name-of-a"),
    ],
)
def test_project_has_the_name_of_its_folder(folder_name: str, name: str, tmp_path: Path) -> None:
    assert project_name(tmp_path / folder_name) == name


def test_longest_name_makes_a_stack_name_that_the_template_allows(tmp_path: Path) -> None:
    stack_name = f"{project_name(tmp_path / ('a' * 60))}-pipeline"
    assert len(stack_name) == longest_stack_name(read_template(ROOT / "template.yaml"), ROOT)
