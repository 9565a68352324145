"""The systems that `--with` finds, and their deployments."""

from __future__ import annotations

from pathlib import Path

import pytest

from stepline.core.errors import UsageError
from stepline.deployment import systems
from stepline.deployment.systems import Deployment

TEMPLATE = "Parameters: {Size: {Type: Number}, BucketName: {Type: String}}\nResources: {}\n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name in ("deploy", "s3_trigger", "batch"):
        (tmp_path / "statemachines" / name).mkdir(parents=True)
    for name in ("s3_trigger", "batch"):
        (tmp_path / "statemachines" / name / "template.yaml").write_text(TEMPLATE)
    (tmp_path / "template.yaml").write_text(TEMPLATE)
    return tmp_path


@pytest.fixture
def main(project: Path) -> Deployment:
    return Deployment(project / "template.yaml", "mine", {})


def test_folder_with_a_template_is_a_system(project: Path) -> None:
    found = systems.find_systems(["s3-trigger", "batch", "s3-trigger"], project)
    assert [system.name for system in found] == ["s3-trigger", "batch"]
    assert found[0].template == project / "statemachines/s3_trigger/template.yaml"
    assert (found[0].image, found[0].sample, found[0].page) == (None, None, None)


def test_unknown_system_is_rejected_with_the_known_ones(project: Path) -> None:
    with pytest.raises(UsageError, match="system 'deploy' does not exist: the systems are batch, s3-trigger"):
        systems.find_systems(["batch", "deploy"], project)
    with pytest.raises(UsageError, match="has none"):
        systems.find_systems(["batch"], project / "statemachines")


def test_each_system_has_a_stack_with_its_parameters(main: Deployment) -> None:
    own, others = systems.split_parameters({"Size": "1", "batch.Size": "2", "s3-trigger.Size": "3"})
    assert own == {"Size": "1"}
    batch, trigger = systems.system_deployments(["batch, s3-trigger"], main=main, parameters=others)
    assert (batch.deployment.stack_name, batch.deployment.parameters) == ("mine-batch", {"Size": "2"})
    assert trigger.deployment.parameters == {"Size": "3"}


def test_parameter_of_a_system_that_is_not_deployed_is_rejected(main: Deployment) -> None:
    with pytest.raises(UsageError, match=r"--parameter batch\.Size: add --with batch"):
        systems.system_deployments(["s3-trigger"], main=main, parameters={"batch.Size": "2"})


def test_sample_gets_outputs_as_parameters(project: Path, main: Deployment) -> None:
    (project / "statemachines/batch/sample.yaml").write_text(TEMPLATE)
    (batch,) = systems.system_deployments(["batch"], main=main, parameters={})
    sample = batch.sample({"BucketName": "b", "Else": "e"})
    assert sample == Deployment(
        project / "statemachines/batch/sample.yaml", "mine-batch-sample", {"BucketName": "b"}
    )
