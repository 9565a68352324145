"""Configuration files of the SAM CLI; the forms are those that SAM 1.170 reads."""

from __future__ import annotations

from pathlib import Path

import pytest

from stepline.applications.sam_configuration import DeploySettings, read_deploy_settings
from stepline.core.errors import UsageError


def read(folder: Path, text: str) -> DeploySettings:
    (folder / "samconfig.toml").write_text(text)
    return read_deploy_settings(folder / "samconfig.toml")


def test_missing_file_has_no_settings(tmp_path: Path) -> None:
    assert read_deploy_settings(tmp_path / "samconfig.toml") == DeploySettings()


@pytest.mark.parametrize(
    "overrides",
    [
        '"""Name=\\"two words\\" Size=3"""',
        "'ParameterKey=Name,ParameterValue=\"two words\" ParameterKey=Size,ParameterValue=3'",
        "['Name=\"two words\"', 'Size=3']",
        '{Name = "two words", Size = 3}',
    ],
)
def test_parameter_overrides_have_several_forms(overrides: str, tmp_path: Path) -> None:
    found = read(tmp_path, f"[default.deploy.parameters]\nparameter_overrides = {overrides}\n")
    assert found.parameters == {"Name": "two words", "Size": "3"}


def test_settings_of_deploy_replace_global_ones(tmp_path: Path) -> None:
    text = (
        "[default.global.parameters]\nstack_name = 'all'\ntemplate_file = 't.yaml'\n"
        "[default.deploy.parameters]\nstack_name = 'one'\n[prod.deploy.parameters]\nstack_name = 'prod'\n"
    )
    assert read(tmp_path, text) == DeploySettings("one", "t.yaml")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[default", "is not TOML"),
        ("[default.deploy.parameters]\nparameter_overrides = 3\n", "write parameter_overrides as a list"),
        ("[default.deploy.parameters]\nparameter_overrides = ['Name']\n", "'Name' in parameter_overrides"),
    ],
)
def test_wrong_settings_are_refused_with_their_file(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError) as raised:
        read(tmp_path, text)
    assert "samconfig.toml" in raised.value.message
    assert message in raised.value.message
