"""The programs of this machine that builds find."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from stepline.localaws.codebuild.errors import PhaseError
from stepline.localaws.codebuild.toolchain import Toolchain


def install(folder: Path, name: str, script: str) -> None:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)


def toolchain(tmp_path: Path, **user: str) -> Toolchain:
    path = os.pathsep.join([str(tmp_path / "bin"), str(Path(sys.prefix, "bin"))])
    return Toolchain(tmp_path / "build", {"PATH": path, "HOME": str(tmp_path / "home"), **user})


def test_programs_of_the_user_come_before_our_own(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    path = toolchain(tmp_path).variables()["PATH"].split(os.pathsep)
    assert path[:4] == [
        str(tmp_path / "build/bin"),
        str(tmp_path / "build/python/bin"),
        str(tmp_path / "build/npm/bin"),
        str(tmp_path / "bin"),
    ]
    assert path[-1] == str(Path(sys.prefix, "bin"))


def test_version_of_a_selected_runtime_is_reported(tmp_path: Path) -> None:
    install(tmp_path / "bin", "node", "echo v20.1.2")
    line = toolchain(tmp_path).select("nodejs", "18")
    assert line == "This machine's nodejs is used: version 20.1.2"


def test_program_of_the_selected_version_is_preferred(tmp_path: Path) -> None:
    install(tmp_path / "bin", "python3.99", "echo Python 3.99.1")
    assert toolchain(tmp_path).select("python", "3.99").endswith("version 3.99.1")


def test_runtime_that_the_machine_does_not_have_is_refused(tmp_path: Path) -> None:
    install(tmp_path / "bin", "ruby", "exit 1")
    with pytest.raises(PhaseError, match="This machine has no ruby") as caught:
        toolchain(tmp_path).select("ruby", "3.2")
    assert caught.value.code == "YAML_FILE_ERROR"


def test_unknown_runtime_is_accepted(tmp_path: Path) -> None:
    assert "android" in toolchain(tmp_path).select("android", "29")


def test_registry_settings_of_the_user_are_copied(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home/.npmrc").write_text("registry=https://example.com/\n")
    variables = toolchain(tmp_path, PIP_INDEX_URL="https://example.com/", PIP_TARGET="/x").variables()
    assert (Path(variables["HOME"]) / ".npmrc").read_text() == "registry=https://example.com/\n"
    assert variables["PIP_INDEX_URL"] == "https://example.com/"
    assert "PIP_TARGET" not in variables


@pytest.mark.parametrize("command", ["apt-get update -y", "sudo -E -u root yum install -y jq"])
def test_packages_of_the_system_are_not_installed(tmp_path: Path, command: str) -> None:
    (tmp_path / "bin").mkdir()
    variables = toolchain(tmp_path).variables()
    result = subprocess.run(
        ["/bin/sh", "-c", command], capture_output=True, check=True, env=variables, text=True
    )
    assert result.stderr.startswith("The local AWS does not install packages of the system; skipped: ")


def test_sudo_runs_its_command(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    variables = toolchain(tmp_path).variables()
    result = subprocess.run(
        ["/bin/sh", "-c", "sudo -E A=1 sh -c 'echo $A'"],
        capture_output=True,
        check=True,
        env=variables,
        text=True,
    )
    assert result.stdout == "1\n"


def test_python_environment_is_the_builds_own(tmp_path: Path) -> None:
    tools = toolchain(tmp_path)
    tools.create_python_environment()
    program = tmp_path / "build/python/bin/python"
    code = "import sys, sysconfig; print(sys.prefix); print(sysconfig.get_path('purelib'))"
    result = subprocess.run([program, "-c", code], capture_output=True, check=True, text=True)
    prefix, packages = result.stdout.split()
    assert Path(prefix) == tmp_path / "build/python"
    assert Path(packages).is_dir()
    assert Path(packages).is_relative_to(prefix)
