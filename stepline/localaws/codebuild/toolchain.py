"""The programs and settings of this machine that the commands of a build find.

There is no container: a build uses the user's own programs. What it installs with pip or `npm install -g`
goes to its own folder, which is removed with it, and it has a home of its own, so that `aws configure` or
`git config --global` do not change the user's files. Package managers of the system do nothing.
"""

from __future__ import annotations

import functools
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from stepline.core.local_aws import HOST
from stepline.localaws.codebuild.errors import PhaseError

_INHERITED = re.compile(
    r"(HTTPS?|ALL)_PROXY|SSL_CERT_(FILE|DIR)|REQUESTS_CA_BUNDLE|CURL_CA_BUNDLE|AWS_CA_BUNDLE"
    r"|NODE_EXTRA_CA_CERTS|GIT_SSL_CAINFO|PIP_(?!(USER|TARGET|PREFIX|ROOT)$).*|UV_.*|NPM_CONFIG_.*|YARN_.*"
    r"|JAVA_HOME|GOPROXY|GOROOT|PYENV_ROOT|NVM_DIR|VOLTA_HOME|ASDF_.*|(DY)?LD_LIBRARY_PATH|USER|LOGNAME",
    re.IGNORECASE,
)
"""The variables of the user that a build gets: network, package registries, version managers."""

_SETTINGS_FILES = (".npmrc", ".yarnrc", ".pip/pip.conf", ".config/pip/pip.conf")
"""Files of the user's home that are copied to a build's: they name package registries."""

_CACHES = {"PIP_CACHE_DIR": ".cache/pip", "NPM_CONFIG_CACHE": ".npm"}
"""Caches of downloads that builds share with the user, if the user has them."""

_PIP = """\
#!/bin/sh
python -c "import pip" 2>/dev/null || python -m ensurepip || exit 1
exec python -m pip "$@"
"""
_PACKAGE_MANAGERS = (
    "add-apt-repository",
    "amazon-linux-extras",
    "apk",
    "apt",
    "apt-get",
    "apt-key",
    "dnf",
    "dpkg",
    "rpm",
    "yum",
    "yum-config-manager",
)
_PACKAGE_MANAGER = """\
#!/bin/sh
echo "The local AWS does not install packages of the system; skipped: ${0##*/} $*" >&2
"""
_SUDO = """\
#!/bin/sh
while [ "${1#-}" != "$1" ]; do
  case $1 in -u | -g) shift 2 ;; *) shift ;; esac
done
exec env "$@"
"""
_DESCRIBE_PYTHON = """
import json, sys
print(json.dumps([getattr(sys, "_base_executable", "") or sys.executable, *sys.version_info[:3]]))
"""
_PROGRAM_SECONDS = 20.0
_VERSION = re.compile(r"\d+(\.\d+)+")


@dataclass(frozen=True)
class Runtime:
    """A runtime of `runtime-versions`. `{}` in a program is the version; `arguments` ask for its version."""

    programs: tuple[str, ...]
    arguments: tuple[str, ...] = ("--version",)


_RUNTIMES = {
    "dotnet": Runtime(("dotnet",)),
    "golang": Runtime(("go",), ("version",)),
    "java": Runtime(("java",), ("-version",)),
    "nodejs": Runtime(("node",)),
    "php": Runtime(("php",)),
    "python": Runtime(("python{}", "python3", "python")),
    "ruby": Runtime(("ruby",)),
}
"""Runtimes, as `runtime-versions` names them [user guide, "Available runtimes"]."""


class Toolchain:
    """The programs and settings for one build, whose own files are below `directory`."""

    def __init__(self, directory: Path, user: Mapping[str, str] | None = None) -> None:
        self._directory = directory
        self._user = os.environ if user is None else user
        self._path = _search_path(self._user.get("PATH", os.defpath))

    def variables(self) -> dict[str, str]:
        """Create the build's folders, and return the variables of its environment."""
        home, temporary = self._directory / "home", self._directory / "tmp"
        for folder in (home, temporary, self._directory / "npm/bin"):
            folder.mkdir(parents=True)
        self._copy_settings(home)
        self._replace_system_programs(self._directory / "bin")
        own = [str(self._directory / name) for name in ("bin", "python/bin", "npm/bin")]
        direct = ",".join(filter(None, (self._user.get("NO_PROXY"), HOST, "localhost")))
        return {
            **self._caches(),
            **{name: value for name, value in self._user.items() if _INHERITED.fullmatch(name)},
            "HOME": str(home),
            "LANG": "C.UTF-8",
            "NO_PROXY": direct,
            "no_proxy": direct,
            "NPM_CONFIG_PREFIX": str(self._directory / "npm"),
            "PATH": os.pathsep.join([*own, self._path]),
            "TMPDIR": str(temporary),
        }

    def select(self, name: str, wanted: str) -> str:
        """Return a line for the log about a runtime that the buildspec selects.

        Raises PhaseError if this machine does not have it in any version.
        """
        runtime = _RUNTIMES.get(name)
        if runtime is None:
            return f"This machine's {name} is used, if it has one"
        for program in runtime.programs:
            output = _output((program.format(wanted), *runtime.arguments), self._path)
            if found := _VERSION.search(output):
                return f"This machine's {name} is used: version {found[0]}"
        raise PhaseError(
            "YAML_FILE_ERROR",
            f"Unknown runtime version named '{wanted}' of {name}. This machine has no {name}: install it, or "
            "remove it from runtime-versions",
        )

    def create_python_environment(self, wanted: str = "") -> None:
        """Create a virtual environment of the user's Python, of its version `wanted` if there is one.

        It has the packages of that Python; pip installs into the environment.
        """
        found = (
            _describe_python(program, self._path) for program in (f"python{wanted}", "python3", "python")
        )
        executable, version = next(filter(None, found), None) or (sys.executable, sys.version_info[:2])
        minor = f"python{version[0]}.{version[1]}"
        folder = self._directory / "python"
        (folder / "bin").mkdir(parents=True)
        (folder / f"lib/{minor}/site-packages").mkdir(parents=True)
        (folder / "pyvenv.cfg").write_text(
            f"home = {Path(executable).parent}\ninclude-system-site-packages = true\n"
            f"version = {version[0]}.{version[1]}\n"
        )
        for name in ("python", "python3", minor):
            (folder / "bin" / name).symlink_to(executable)
        for name in ("pip", "pip3"):
            _write_program(folder / "bin" / name, _PIP)

    def _replace_system_programs(self, folder: Path) -> None:
        folder.mkdir()
        for name in _PACKAGE_MANAGERS:
            _write_program(folder / name, _PACKAGE_MANAGER)
        _write_program(folder / "sudo", _SUDO)

    def _copy_settings(self, home: Path) -> None:
        for name in _SETTINGS_FILES:
            source = Path(self._user.get("HOME", os.devnull), name)
            if source.is_file():
                (home / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(source, home / name)

    def _caches(self) -> dict[str, str]:
        folders = {name: Path(self._user.get("HOME", os.devnull), folder) for name, folder in _CACHES.items()}
        return {name: str(folder) for name, folder in folders.items() if folder.is_dir()}


def _write_program(path: Path, script: str) -> None:
    path.write_text(script)
    path.chmod(0o755)


def _search_path(path: str) -> str:
    """Return the user's PATH with our own virtual environment, if it is in one, at its end."""
    own = str(Path(sys.prefix, "bin"))
    folders = [folder for folder in path.split(os.pathsep) if folder and folder != own]
    return os.pathsep.join(dict.fromkeys([*folders, "/usr/local/bin", "/usr/bin", "/bin", own]))


@functools.cache
def _describe_python(program: str, path: str) -> tuple[str, tuple[int, int]] | None:
    """Return the executable of a Python, outside of any virtual environment, and its version."""
    try:
        executable, major, minor, _ = json.loads(_output((program, "-c", _DESCRIBE_PYTHON), path))
    except ValueError:
        return None
    return executable, (major, minor)


def _output(command: tuple[str, ...], path: str) -> str:
    """Return what a program of the user writes; nothing if it does not exist or fails."""
    program = shutil.which(command[0], path=path)
    if program is None:
        return ""
    try:
        result = subprocess.run(  # noqa: S603 - the user's own program
            (program, *command[1:]),
            capture_output=True,
            check=False,
            env={**os.environ, "PATH": path},
            stdin=subprocess.DEVNULL,
            text=True,
            timeout=_PROGRAM_SECONDS,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return "" if result.returncode else result.stdout + result.stderr
