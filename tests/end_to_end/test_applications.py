"""A project of one's own, from its folder to its stack, by the commands of the README."""

from __future__ import annotations

import json
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tests.end_to_end.local_aws import PROJECT, LocalAws

pytestmark = [pytest.mark.xdist_group("local_aws")]

ASSEMBLY = Path(__file__).with_name("cdk_assembly")
NPX = f"#!/bin/sh\nset -eu\n[ \"$1 $2 $3\" = '--yes aws-cdk@2 synth' ]\ncp -r {ASSEMBLY} cdk.out\n"
"""Synthesizes what examples/cdk-application/ does, which `make cdk` checks."""

AWS = f"""#!{sys.executable}
import pathlib, sys
import boto3
assert sys.argv[1:3] == ["s3", "sync"]
folder, bucket = pathlib.Path(sys.argv[-2]), sys.argv[-1].removeprefix("s3://")
for path in folder.rglob("*.*"):
    boto3.client("s3").upload_file(str(path), bucket, path.relative_to(folder).as_posix())
"""


@pytest.fixture
def project(local_aws: LocalAws, tmp_path: Path) -> LocalAws:
    """The local AWS, used in the folder of the CDK example; the folder has the programs `npx` and `aws`."""
    folder = tmp_path / "greetings"
    shutil.copytree(PROJECT / "examples/cdk-application", folder)
    (folder / "requirements.txt").unlink()  # the CDK itself
    for name, program in {"npx": NPX, "aws": AWS}.items():
        (folder / name).write_text(program)
        (folder / name).chmod(0o755)
    return replace(local_aws, project=folder)


def test_cdk_application_is_built_and_deployed(project: LocalAws) -> None:
    initialized = project.stepline("init")
    assert initialized.returncode == 0, initialized.stderr
    script = project.project / "build.sh"
    script.write_text(script.read_text().replace("set -eu\n", 'set -eu\nPATH="$PWD:$PATH"\n'))

    updated = project.stepline("up", "--port", str(project.port))
    assert "Stack greetings-pipeline is created" in updated.stdout, updated.stderr

    pushed = project.stepline("push", "--watch")
    assert pushed.returncode == 0, pushed.stdout + pushed.stderr
    assert "greetings, branch main" in pushed.stdout

    outputs = dict(line.split() for line in pushed.stdout.split("Outputs of Deploy\n")[1].splitlines())
    for name in ("FunctionName", "NestedFunctionName"):
        answer = project.client("lambda").invoke(FunctionName=outputs[name], Payload=b'{"name": "CDK"}')
        assert json.loads(answer["Payload"].read()) == {"greeting": "Hello CDK"}
