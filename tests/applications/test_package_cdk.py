"""package_cdk.py, on the cloud assembly of examples/cdk-application/."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "stepline/applications/files/package_cdk.py"
ASSEMBLY = ROOT / "tests/end_to_end/cdk_assembly"
BOOTSTRAP_BUCKET = "cdk-hnb659fds-assets-${AWS::AccountId}-${AWS::Region}"

AWS = """\
#!{python}
import shutil, sys
assert sys.argv[1:5] == ["s3", "sync", "--size-only", "--only-show-errors"], sys.argv
shutil.copytree(sys.argv[5], "uploaded")
open("bucket", "w").write(sys.argv[6])
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with a cloud assembly, and with a program `aws` that keeps what it uploads."""
    shutil.copytree(ASSEMBLY, tmp_path / "cdk.out")
    (tmp_path / "bin").mkdir()
    aws = tmp_path / "bin/aws"
    aws.write_text(AWS.format(python=sys.executable))
    aws.chmod(0o755)
    return tmp_path


def package(project: Path, *arguments: str, bucket: str = "packages") -> subprocess.CompletedProcess[str]:
    path = f"{project / 'bin'}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        [sys.executable, SCRIPT, *arguments],
        cwd=project,
        env={"PATH": path, "PACKAGE_BUCKET": bucket},
        capture_output=True,
        text=True,
        check=False,
    )


def change(file: Path, edit: Any) -> None:
    document = json.loads(file.read_text())
    edit(document)
    file.write_text(json.dumps(document))


def test_assets_are_uploaded_and_the_template_refers_to_their_bucket(project: Path) -> None:
    result = package(project)
    assert result.stderr == ""
    template = json.loads((project / "template.json").read_text())
    (code,) = (
        resource["Properties"]["Code"]
        for resource in template["Resources"].values()
        if resource["Type"] == "AWS::Lambda::Function"
    )
    assert code["S3Bucket"] == {"Fn::Sub": "packages"}
    assert (project / "bucket").read_text() == "s3://packages"
    assert zipfile.ZipFile(project / "uploaded" / code["S3Key"]).namelist() == ["greet.py"]


def test_templates_of_nested_stacks_refer_to_the_bucket_too(project: Path) -> None:
    assert package(project).returncode == 0
    (nested,) = (project / "uploaded").glob("*.json")
    assert json.loads(nested.read_text())["Resources"]
    everything = nested.read_text() + (project / "template.json").read_text()
    assert "cdk-hnb659fds" not in everything
    assert f"/{nested.name}" in everything


def test_account_needs_no_bootstrap(project: Path) -> None:
    assert "BootstrapVersion" in json.loads((ASSEMBLY / "Greetings.template.json").read_text())["Parameters"]
    assert package(project).returncode == 0
    template = json.loads((project / "template.json").read_text())
    assert template.keys() == {"Description", "Resources", "Outputs"}


def test_same_assets_make_the_same_packages(project: Path) -> None:
    package(project)
    first = {path.name: path.read_bytes() for path in (project / "uploaded").iterdir()}
    shutil.rmtree(project / "uploaded")
    for path in (project / "cdk.out").rglob("*"):
        os.utime(path, (1, 1))
    package(project)
    assert {path.name: path.read_bytes() for path in (project / "uploaded").iterdir()} == first


def test_one_of_several_stacks_is_named(project: Path) -> None:
    def add_stage(manifest: Any) -> None:
        manifest["artifacts"]["assembly-Prod"] = {
            "type": "cdk:cloud-assembly",
            "properties": {"directoryName": "assembly-Prod"},
        }

    stage = project / "cdk.out/assembly-Prod"
    shutil.copytree(ASSEMBLY, stage)
    change(
        stage / "manifest.json",
        lambda manifest: manifest["artifacts"]["Greetings"].update(displayName="Prod/Greetings"),
    )
    change(project / "cdk.out/manifest.json", add_stage)
    result = package(project)
    assert result.returncode == 1
    assert result.stderr == "package_cdk.py: name one of the stacks: Greetings, Prod/Greetings\n"
    assert package(project, "Prod/Greetings").returncode == 0
    assert package(project, "Other").stderr == result.stderr


def test_container_images_are_refused(project: Path) -> None:
    change(project / "cdk.out/Greetings.assets.json", lambda assets: assets.update(dockerImages={"a": {}}))
    assert "container images: push them to ECR" in package(project).stderr
    assert not (project / "template.json").exists()


def test_missing_bucket_is_named(project: Path) -> None:
    assert package(project, bucket="").stderr == "package_cdk.py: PACKAGE_BUCKET is not set\n"
