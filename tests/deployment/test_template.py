"""Packaging of SAM templates."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from stepline.core.errors import UsageError
from stepline.deployment import function_package
from stepline.deployment import template as templates

PROJECT = Path(__file__).parents[2]


class Uploads:
    def __init__(self) -> None:
        self.contents: dict[str, bytes] = {}

    def upload(self, ending: str, content: bytes) -> dict[str, str]:
        key = templates.object_key(ending, content)
        self.contents[key] = content
        return {"Bucket": "b", "Key": key}

    def url(self, key: str) -> str:
        return f"https://b.example/{key}"


def test_functions_of_the_project_share_one_package_and_definition_and_parts_are_uploaded() -> None:
    uploads = Uploads()
    packaged = json.loads(
        templates.package_template(templates.read_template(PROJECT / "template.yaml"), PROJECT, uploads)
    )
    locations = [packaged["Resources"][name]["Properties"]["Location"] for name in ("Action", "Deploy")]
    parts = [
        json.loads(uploads.contents[location.removeprefix("https://b.example/")]) for location in locations
    ]
    resources = [resource for part in parts for resource in part["Resources"].values()]
    functions = [resource for resource in resources if resource["Type"] == "AWS::Serverless::Function"]
    assert len(functions) > 10
    assert len({function["Properties"]["CodeUri"]["Key"] for function in functions}) == 1
    assert not [part for part in parts if "CodeUri" in part["Globals"]["Function"]]
    assert sorted(Path(key).suffix for key in uploads.contents) == [".json", ".json", ".json", ".zip"]


@pytest.mark.parametrize("remote", ["https://bucket.s3.amazonaws.com/t.json", "s3://bucket/t.json"])
def test_nested_template_that_is_uploaded_already_stays(tmp_path: Path, remote: str) -> None:
    nested = {"Type": "AWS::CloudFormation::Stack", "Properties": {"TemplateURL": remote}}
    packaged = json.loads(templates.package_template({"Resources": {"N": nested}}, tmp_path, Uploads()))
    assert packaged["Resources"]["N"] == nested


def test_function_package_holds_lambda_code_and_no_developer_tools() -> None:
    names = [name for _, name in function_package.source_files(PROJECT)]
    assert "pipeline/trigger.py" in names
    assert "statemachines/deploy/create_stack.py" in names
    assert "stepline/core/errors.py" in names
    others = [
        name for name in names if not name.startswith(("pipeline/", "statemachines/", "stepline/core/"))
    ]
    assert others == ["stepline/__init__.py"]
    assert not [name for name in names if "sample_service" in name or "image/" in name]
    assert (PROJECT / "stepline/__init__.py").read_text() == ""


def test_same_code_makes_the_same_package() -> None:
    first, second = Uploads(), Uploads()
    for uploads in (first, second):
        templates.package_template(templates.read_template(PROJECT / "template.yaml"), PROJECT, uploads)
    assert first.contents.keys() == second.contents.keys()


def test_other_folder_is_packaged_unchanged(tmp_path: Path) -> None:
    (tmp_path / "code" / "sub").mkdir(parents=True)
    (tmp_path / "code" / "sub" / "a.py").write_text("1")
    uploads = Uploads()
    function = {"Type": "AWS::Serverless::Function", "Properties": {"CodeUri": "code"}}
    templates.package_template({"Resources": {"F": function}}, tmp_path, uploads)
    (content,) = uploads.contents.values()
    assert zipfile.ZipFile(io.BytesIO(content)).namelist() == ["sub/a.py"]


def test_zip_file_is_uploaded_as_it_is(tmp_path: Path) -> None:
    package = templates.zip_folder(PROJECT / "app")
    (tmp_path / "code.zip").write_bytes(package)
    uploads = Uploads()
    function = {"Type": "AWS::Serverless::Function", "Properties": {"CodeUri": "code.zip"}}
    templates.package_template({"Resources": {"F": function}}, tmp_path, uploads)
    assert list(uploads.contents.values()) == [package]


def test_code_of_a_function_without_sam_is_packaged(tmp_path: Path) -> None:
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "a.py").write_text("1")
    inline = {"ZipFile": "def handler(event, context): ..."}
    resources = {
        "F": {"Type": "AWS::Lambda::Function", "Properties": {"Code": "./code"}},
        "G": {"Type": "AWS::Lambda::Function", "Properties": {"Code": inline}},
    }
    uploads = Uploads()
    packaged = json.loads(templates.package_template({"Resources": resources}, tmp_path, uploads))[
        "Resources"
    ]
    (key,) = uploads.contents
    assert packaged["F"]["Properties"]["Code"] == {"S3Bucket": "b", "S3Key": key}
    assert packaged["G"]["Properties"]["Code"] == inline


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "template .* does not exist: name the template with --template"),
        ("a: [", "is not YAML"),
        ("just text", "it has no Resources"),
        ("Resources: 5", "it has no Resources"),
    ],
)
def test_malformed_template_is_rejected(tmp_path: Path, text: str | None, message: str) -> None:
    file = tmp_path / "template.yaml"
    if text is not None:
        file.write_text(text)
    with pytest.raises(UsageError, match=message) as caught:
        templates.read_template(file)
    assert "template.yaml" in str(caught.value)


@pytest.mark.parametrize(
    ("resource", "message"),
    [
        (
            {"Type": "AWS::Serverless::Function", "Properties": {"CodeUri": "no"}},
            "F: no is neither a folder nor a zip file below",
        ),
        ({"Type": "AWS::Serverless::StateMachine", "Properties": {"DefinitionUri": "no"}}, "F: cannot read"),
        ({"Type": "AWS::Serverless::Application", "Properties": {"Location": "no"}}, "no does not exist"),
    ],
)
def test_missing_path_is_rejected(tmp_path: Path, resource: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        templates.package_template({"Resources": {"F": resource}}, tmp_path, Uploads())


def test_local_packages_have_the_versions_of_the_function_package() -> None:
    """Locally the functions use the packages of the virtual environment."""
    pins = {
        line.split(" ")[0]
        for line in (PROJECT / "requirements/dev.txt").read_text().splitlines()
        if "==" in line and not line.startswith((" ", "#"))
    }
    packaged = {
        line.split(" ")[0]
        for line in (PROJECT / "pipeline/requirements.txt").read_text().splitlines()
        if "==" in line and not line.startswith((" ", "#"))
    }
    assert packaged
    assert packaged <= pins


def layer_package(folder: Path, resource: dict[str, Any]) -> tuple[list[str], Any]:
    """Return the files of the uploaded layer, and the resource's new properties."""
    uploads = Uploads()
    packaged = templates.package_template({"Resources": {"L": resource}}, folder, uploads)
    (content,) = uploads.contents.values()
    return zipfile.ZipFile(io.BytesIO(content)).namelist(), json.loads(packaged)["Resources"]["L"][
        "Properties"
    ]


@pytest.mark.parametrize(
    ("resource_type", "property_name", "names"),
    [
        ("AWS::Serverless::LayerVersion", "ContentUri", {"Bucket", "Key"}),
        ("AWS::Lambda::LayerVersion", "Content", {"S3Bucket", "S3Key"}),
    ],
)
def test_layer_is_packaged(tmp_path: Path, resource_type: str, property_name: str, names: set[str]) -> None:
    (tmp_path / "layer/python").mkdir(parents=True)
    (tmp_path / "layer/python/shared.py").write_text("NAME = 1\n")
    files, properties = layer_package(
        tmp_path, {"Type": resource_type, "Properties": {property_name: "layer/"}}
    )
    assert files == ["python/shared.py"]
    assert properties[property_name].keys() == names


@pytest.mark.parametrize(
    ("method", "folder"), [("python3.13", "python/"), ("nodejs22.x", "nodejs/"), ("makefile", "")]
)
def test_layer_with_a_build_method_has_the_folder_of_its_runtime(
    tmp_path: Path, method: str, folder: str
) -> None:
    """As with `sam build`, which also installs requirements."""
    (tmp_path / "layer").mkdir()
    (tmp_path / "layer/shared.txt").write_text("")
    files, _ = layer_package(
        tmp_path,
        {
            "Type": "AWS::Serverless::LayerVersion",
            "Properties": {"ContentUri": "layer"},
            "Metadata": {"BuildMethod": method},
        },
    )
    assert files == [f"{folder}shared.txt"]
