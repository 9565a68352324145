"""Runs one build: its phases, one after another.

https://docs.aws.amazon.com/codebuild/latest/userguide/view-build-details-phases.html: a failed install or
pre_build phase ends the build, after a failed build phase post_build runs, and artifacts are uploaded after
post_build however it ended.
"""

from __future__ import annotations

import re
import shutil
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stepline.core.errors import SteplineError
from stepline.localaws.clock import Clock
from stepline.localaws.codebuild.artifacts import Selection
from stepline.localaws.codebuild.buildspec import (
    COMMAND_PHASES,
    DEFAULT_PATH,
    Buildspec,
    PhaseSpec,
    is_inline,
    parse_buildspec,
)
from stepline.localaws.codebuild.errors import BuildEndedError, PhaseError
from stepline.localaws.codebuild.log import BuildLog
from stepline.localaws.codebuild.models import Build, BuildStatus, PhaseType, S3Object
from stepline.localaws.codebuild.processes import CommandProcesses
from stepline.localaws.codebuild.shell import Shell
from stepline.localaws.codebuild.sources import Downloaded, Sources
from stepline.localaws.codebuild.toolchain import Toolchain
from stepline.localaws.codebuild.uploads import Uploads
from stepline.localaws.codebuild.variables import CustomVariables, codebuild_variables

_MAX_KEPT_OUTPUT_BYTES = 65_536
"""The end of a phase's output, which `on-failure: RETRY-<regex>` is compared with."""


@dataclass(frozen=True)
class Environment:
    """What builds run in. `clients` returns boto3 clients that sign as the current actor."""

    clients: Callable[[str], Any]
    sources: Sources
    clock: Clock
    endpoint_url: str
    region: str


class BuildExecution:
    """One build in a folder of its own. `begin` and `end` record its phases."""

    def __init__(
        self,
        build: Build,
        environment: Environment,
        directory: Path,
        *,
        begin: Callable[[PhaseType], None],
        end: Callable[[PhaseType, BuildStatus, PhaseError | None], None],
    ) -> None:
        self._build = build
        self._environment = environment
        self._directory = directory
        self._begin = begin
        self._end = end
        self._log = BuildLog(build, environment.clients("logs"), environment.clock)
        self._output = b""
        self._processes = CommandProcesses(self._write, self._log.flush)
        self._sources: list[Downloaded] = []
        self._spec = Buildspec(version="0.2")
        self._shell: Shell | None = None
        self._ended = threading.Event()

    def run(self) -> bool:
        """Run all phases; return whether all succeeded. Raises BuildEndedError after `kill`."""
        try:
            return self._run()
        finally:
            self._processes.close()
            self._log.close()
            shutil.rmtree(self._directory, ignore_errors=True)

    def kill(self) -> None:
        """End the build now."""
        self._ended.set()
        self._processes.kill()

    def _run(self) -> bool:
        succeeded = self._phase(PhaseType.PROVISIONING, self._provision)
        if succeeded:
            succeeded = self._phase(PhaseType.DOWNLOAD_SOURCE, self._download)
            succeeded = succeeded and self._run_commands()
        self._phase(PhaseType.FINALIZING, lambda: None, logged=False)
        return succeeded

    def _phase(self, phase: PhaseType, work: Callable[[], None], *, logged: bool = True) -> bool:
        """Do the work of a phase, record it, and return whether it succeeded."""
        self._begin(phase)
        try:
            if self._ended.is_set():
                raise BuildEndedError("the build was ended")
            work()
        except PhaseError as error:
            self._finish(phase, BuildStatus.FAILED, error)
            return False
        if logged:
            self._finish(phase, BuildStatus.SUCCEEDED, None)
        else:
            self._end(phase, BuildStatus.SUCCEEDED, None)
        return True

    def _finish(self, phase: PhaseType, status: BuildStatus, error: PhaseError | None) -> None:
        self._end(phase, status, error)
        if phase is not PhaseType.PROVISIONING:
            self._log.say(f"Phase complete: {phase} State: {status}")
            code, message = (error.code, str(error)) if error else ("", "")
            self._log.say(f"Phase context status code: {code} Message: {message}")
            self._log.flush()

    # --- the phases -------------------------------------------------------------------------------

    def _provision(self) -> None:
        self._log.open()
        self._log.say("Running on the local AWS: the commands run as a process of this machine")

    def _download(self) -> None:
        self._log.say("Phase is DOWNLOAD_SOURCE")
        self._sources = self._environment.sources.download(self._build, self._directory / "sources")
        primary = self._sources[0]
        self._build.resolved_source_version = primary.resolved_version
        for source in self._sources:
            suffix = f"_{source.identifier}" if source.identifier else ""
            self._log.say(f"CODEBUILD_SRC_DIR{suffix}={source.folder}")
        self._spec = parse_buildspec(self._buildspec(primary.folder))
        for note in self._spec.notes:
            self._log.say(f"Ignored by the local AWS: {note}")
        self._start_shell(primary.folder)
        self._log.say(f"Phases found in YAML: {len(self._spec.phases)}")
        for phase, spec in self._spec.phases.items():
            self._log.say(f" {phase}: {len(spec.commands)} commands")

    def _buildspec(self, folder: Path) -> str:
        """Return the text of the buildspec: inline, an object of S3, or a file of the primary source."""
        text = str(self._build.document["source"].get("buildspec") or "")
        if text and is_inline(text):
            return text
        if text.startswith("arn:"):
            bucket, _, key = text.partition(":::")[2].partition("/")
            return self._environment.sources.read(self._build.actor, S3Object(bucket, key)).decode()
        path = folder / (text or DEFAULT_PATH)
        self._log.say(f"YAML location is {path}")
        if not path.is_file():
            raise PhaseError("YAML_FILE_ERROR", f"stat {path}: no such file or directory")
        return path.read_text()

    def _start_shell(self, folder: Path) -> None:
        self._log.say("Processing environment variables")
        toolchain = Toolchain(self._directory)
        custom = CustomVariables(self._environment.clients, self._build.actor, self._log.hide).read(
            self._spec, self._build.document["environment"].get("environmentVariables", ())
        )
        variables = {
            **toolchain.variables(),
            **self._role_variables(),
            **custom,
            **codebuild_variables(self._build, self._sources),
        }
        self._select_runtimes(toolchain, variables)
        self._shell = Shell(
            self._processes,
            self._spec.shell,
            self._directory / "shell",
            keeps_environment=self._spec.keeps_environment,
        )
        self._shell.start(folder, variables)
        self._log.say(f"Moving to directory {folder}")

    def _select_runtimes(self, toolchain: Toolchain, variables: dict[str, str]) -> None:
        install = self._spec.phases.get(PhaseType.INSTALL, PhaseSpec())
        wanted = {
            name: re.sub(r"\$\{?(\w+)\}?", lambda match: variables.get(match[1], ""), version)
            for name, version in install.runtime_versions.items()
        }
        for name, version in wanted.items():
            self._log.say(f"Selecting '{name}' runtime version '{version}' based on manual selections...")
            self._log.say(toolchain.select(name, version))
        toolchain.create_python_environment(wanted.get("python", ""))

    def _role_variables(self) -> dict[str, str]:
        """Return the credentials of the build's role, and where the local AWS is."""
        keys = self._environment.sources.roles.keys(self._build.actor)
        return {
            "AWS_ACCESS_KEY_ID": keys.access_key or "",
            "AWS_SECRET_ACCESS_KEY": keys.secret_key or "",
            "AWS_SESSION_TOKEN": keys.token or "",
            "AWS_DEFAULT_REGION": self._environment.region,
            "AWS_REGION": self._environment.region,
            "AWS_ENDPOINT_URL": self._environment.endpoint_url,
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    # --- commands and artifacts -------------------------------------------------------------------

    def _run_commands(self) -> bool:
        succeeded = True
        for phase in COMMAND_PHASES.values():
            spec = self._spec.phases.get(phase, PhaseSpec())
            if self._run_phase(phase, spec):
                continue
            succeeded = False
            self._running_shell.set("CODEBUILD_BUILD_SUCCEEDING", "0")
            if spec.on_failure.action == "ABORT" or (
                phase in {PhaseType.INSTALL, PhaseType.PRE_BUILD} and spec.on_failure.action != "CONTINUE"
            ):
                return False
        return self._phase(PhaseType.UPLOAD_ARTIFACTS, self._upload) and succeeded

    def _run_phase(self, phase: PhaseType, spec: PhaseSpec) -> bool:
        def work() -> None:
            self._log.say(f"Entering phase {phase}")
            attempts = spec.on_failure.retries if spec.on_failure.action == "RETRY" else 0
            while True:
                try:
                    return self._run_commands_of(spec)
                except PhaseError:
                    output = self._output.decode(errors="replace")
                    if not attempts or not re.search(spec.on_failure.pattern, output):
                        raise
                    attempts -= 1
                    self._log.say(f"Retrying phase {phase}")

        return self._phase(phase, work)

    def _run_commands_of(self, spec: PhaseSpec) -> None:
        """Run the commands up to the first that fails, and those of `finally` in any case."""
        self._output = b""
        failure = None
        for commands in (spec.commands, spec.finally_commands):
            try:
                for command in commands:
                    self._run_command(command)
            except PhaseError as error:
                failure = failure or error
        if failure is not None:
            raise failure

    def _run_command(self, command: str) -> None:
        self._log.say(f"Running command {command}")
        code = self._running_shell.run(command)
        if code:
            self._log.say(f"Command did not exit successfully {command} exit status {code}")
            raise PhaseError(
                "COMMAND_EXECUTION_ERROR",
                f"Error while executing command: {command}. Reason: exit status {code}",
            )

    def _upload(self) -> None:
        variables = self._running_shell.variables()
        self._build.exported = {
            name: variables[name]
            for name in self._spec.exported
            if name in variables and not name.startswith("AWS_")
        }
        selection = Selection(self._sources[0].folder, variables, self._log.say)
        Uploads(
            self._build, self._environment.clients("s3"), selection.files, self._running_shell.expand
        ).upload(self._spec)

    @property
    def _running_shell(self) -> Shell:
        if self._shell is None:
            raise SteplineError("the build has no shell yet")
        return self._shell

    def _write(self, output: bytes) -> None:
        self._output = (self._output + output)[-_MAX_KEPT_OUTPUT_BYTES:]
        self._log.write(output)
