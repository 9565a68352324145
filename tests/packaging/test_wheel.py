"""The wheel, installed into an empty environment and used in an empty folder."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import venv
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.request import urlopen

import pytest

from stepline.aws import local_servers
from tests.packaging.linked_requirements import link_requirements
from tests.ports import free_port
from tests.waiting import wait_for

PROJECT = Path(__file__).parents[2]
UV = Path(sys.executable).with_name("uv")
_TIMEOUT_SECONDS = 120

pytestmark = pytest.mark.xdist_group("wheel")


@dataclass(frozen=True)
class Installed:
    """An installation; commands are run in the empty `folder`."""

    python: Path
    folder: Path
    environment: dict[str, str]

    def stepline(self, *arguments: str, expected: int = 0) -> str:
        """Run a command and return what it prints to stdout and stderr."""
        command = [str(self.python.with_name("stepline")), *arguments]
        completed = subprocess.run(
            command,
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=_TIMEOUT_SECONDS,
            check=False,
        )
        assert completed.returncode == expected, f"{arguments}: {completed.stdout}"
        return completed.stdout

    def has(self, module: str) -> bool:
        find = f"import importlib.util, sys; sys.exit(importlib.util.find_spec({module!r}) is None)"
        return subprocess.run([self.python, "-I", "-c", find], check=False).returncode == 0


def run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, cwd=PROJECT, capture_output=True, text=True, timeout=_TIMEOUT_SECONDS, check=False
    )


def build(project: Path, folder: Path) -> Path:
    arguments = ("--quiet", "--wheel", "--no-build-isolation", "--python", sys.executable)
    built = run(UV, "build", *arguments, "--out-dir", folder, project)
    assert built.returncode == 0, built.stderr
    (file,) = folder.glob("*.whl")
    return file


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(PROJECT, tmp_path_factory.mktemp("dist"))


def install(wheel: Path, folder: Path, environment: dict[str, str], *, extra: str = "") -> Installed:
    """Install into a new environment, with the versions of this one, which are those of the lock file."""
    venv.create(folder / "env", with_pip=False, symlinks=True)
    python = folder / "env/bin/python"
    installed = run(UV, "pip", "install", "--python", python, "--quiet", "--offline", "--no-deps", wheel)
    assert installed.returncode == 0, installed.stderr
    link_requirements(python, "stepline", extra)
    empty = folder / "empty"
    empty.mkdir()
    return Installed(python, empty, environment)


@pytest.fixture(scope="module")
def with_local_aws(
    wheel: Path, tmp_path_factory: pytest.TempPathFactory, environment: dict[str, str]
) -> Installed:
    return install(wheel, tmp_path_factory.mktemp("local"), environment, extra="local")


@pytest.fixture(scope="module")
def without_local_aws(
    wheel: Path, tmp_path_factory: pytest.TempPathFactory, environment: dict[str, str]
) -> Installed:
    return install(wheel, tmp_path_factory.mktemp("plain"), environment)


@pytest.fixture(scope="module")
def with_console(
    wheel: Path, tmp_path_factory: pytest.TempPathFactory, environment: dict[str, str]
) -> Installed:
    return install(wheel, tmp_path_factory.mktemp("console"), environment, extra="console")


@pytest.fixture(scope="module")
def port(with_local_aws: Installed) -> Iterator[int]:
    """The port of a local AWS that the installed command has started."""
    chosen = free_port()
    with_local_aws.stepline("up", "--detach", "--port", str(chosen))
    yield chosen
    assert "Stopped the local AWS" in with_local_aws.stepline("down", "--port", str(chosen))


def test_installed_local_aws_runs_the_sample_application(with_local_aws: Installed, port: int) -> None:
    target = ("--endpoint-url", f"http://127.0.0.1:{port}")
    assert "Pushed 4 files to stepline-app" in with_local_aws.stepline("push", *target)
    assert "succeeded after" in with_local_aws.stepline("watch", *target)
    assert list(with_local_aws.folder.iterdir()) == []


def test_project_in_any_folder_is_deployed(with_local_aws: Installed, port: int, tmp_path: Path) -> None:
    (tmp_path / "orders").mkdir()
    (tmp_path / "orders/queue.yaml").write_text(
        "Resources: {Queue: {Type: AWS::SQS::Queue}}\nOutputs: {Url: {Value: !Ref Queue}}\n"
    )
    stepline = replace(with_local_aws, folder=tmp_path / "orders").stepline
    assert "orders is a CloudFormation template." in stepline("init")
    assert "Stack orders-pipeline is created" in stepline("up", "--port", str(port))
    watched = stepline("push", "--watch", "--endpoint-url", f"http://127.0.0.1:{port}")
    assert "Pushed 3 files to orders" in watched
    assert "dev-orders-app" in watched.split("Outputs of Deploy")[1]


def test_installed_console_serves_its_pages_and_assets(with_console: Installed, port: int) -> None:
    console_port = free_port()
    assert not with_console.has("moto")
    command = [str(with_console.python.with_name("stepline")), "console", "--port", str(console_port)]
    target = ["--endpoint-url", f"http://127.0.0.1:{port}"]
    process = subprocess.Popen(
        [*command, *target],
        cwd=with_console.folder,
        env=with_console.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        wait_for(lambda: local_servers.read_health(console_port) or process.poll() is not None)
        home = f"http://127.0.0.1:{console_port}"
        assert "stepline" in [each["name"] for each in json.loads(read(f"{home}/index.json"))["pipelines"]]
        page = read(f"{home}/")
        assets = re.findall(r'(?:src|href)="(/static/[^"]+)"', page)
        assert len(assets) >= 4
        for asset in [*assets, "/static/vendor/dagre.min.js", "/static/vendor/dagre.LICENSE.txt"]:
            assert read(home + asset), asset
    finally:
        process.terminate()
        output, _ = process.communicate(timeout=_TIMEOUT_SECONDS)
    assert process.returncode == 0, output


def read(address: str) -> str:
    with urlopen(address, timeout=10) as response:
        return str(response.read().decode())


def test_wheel_has_no_files_that_sam_build_creates(tmp_path: Path) -> None:
    project = tmp_path / "project"
    for name in run("git", "ls-files", "--cached", "--others", "--exclude-standard").stdout.splitlines():
        if (PROJECT / name).is_file():
            (project / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(PROJECT / name, project / name)
    built = project / "statemachines/batch/.aws-sam/build/ValidateInputFunction"
    built.mkdir(parents=True)
    (built / "validate_input.py").write_text("")
    names = zipfile.ZipFile(build(project, tmp_path / "dist")).namelist()
    assert "stepline/project/statemachines/batch/validate_input.py" in names
    assert "stepline/project/template.yaml" in names
    assert [name for name in names if ".aws-sam" in name] == []


def test_installation_without_local_extra_works_with_an_aws(
    without_local_aws: Installed, port: int, tmp_path: Path
) -> None:
    stepline = without_local_aws.stepline
    target = ("--endpoint-url", f"http://127.0.0.1:{port}")
    assert not [name for name in ("moto", "ministack", "samtranslator") if without_local_aws.has(name)]
    assert "stepline" in stepline("status", *target)
    application = shutil.copytree(PROJECT / "app", tmp_path / "app")
    (application / "CHANGES").write_text("one more file")
    assert "Pushed 5 files" in stepline("push", str(application), *target)
    assert "succeeded after" in stepline("watch", "--timeout", "60s", *target)
    assert "Job result reported" in stepline("logs", "worker", *target)
    assert "pip install 'stepline[local]'" in stepline("up", expected=1)
