"""Completion in shells: the scripts, and the names that the program returns."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from typing import Any

import pytest
from click.shell_completion import ShellComplete

from stepline.aws.target import Target
from stepline.cli import name_completion
from stepline.cli.command_group import cli
from tests.aws.fakes import Answers, target_with_functions
from tests.cli.conftest import Stepline
from tests.localaws.codepipeline.fakes import client_error

_CHECK = {"bash": ["bash", "-n"], "zsh": ["zsh", "-n"], "fish": ["fish", "--no-execute"]}


def complete(*words: str) -> list[str]:
    """Return what completes the last word."""
    *before, incomplete = words
    completion = ShellComplete(cli, {}, "stepline", "_STEPLINE_COMPLETE")
    return [item.value for item in completion.get_completions(before, incomplete)]


@pytest.fixture
def use_clients(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    def use(**clients: Any) -> None:
        target = target_with_functions(**clients)
        monkeypatch.setattr(name_completion, "choose_target", lambda *_args: target)
        monkeypatch.setattr(
            name_completion._QuickTarget, "client", lambda _self, service: Target.client(target, service)
        )

    return use


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_script_is_valid(stepline: Stepline, shell: str) -> None:
    result = stepline("completion", shell)
    assert result.exit_code == 0
    assert f"_STEPLINE_COMPLETE={shell}_complete" in result.stdout
    if shutil.which(shell):
        subprocess.run(_CHECK[shell], input=result.stdout, text=True, check=True)


def test_unknown_shell_is_rejected(stepline: Stepline) -> None:
    assert stepline("completion", "tcsh").exit_code == 2


def test_commands_and_options_are_completed() -> None:
    assert complete("wa") == ["watch"]
    assert complete("push", "--wat") == ["--watch"]
    assert complete("workflow", "pub") == ["publish"]


@pytest.mark.parametrize("command", ["logs", "invoke"])
def test_functions_are_completed(use_clients: Callable[..., None], command: str) -> None:
    use_clients()
    assert complete(command, "create-") == ["create-change-set", "create-stack"]


@pytest.mark.parametrize(
    "words", [("watch",), ("status",), ("approve",), ("reject", "-m", "no"), ("push", "--pipeline")]
)
def test_pipelines_are_completed(use_clients: Callable[..., None], words: tuple[str, ...]) -> None:
    use_clients(
        codepipeline=Answers({"list_pipelines": {"pipelines": [{"name": "orders"}, {"name": "app"}]}})
    )
    assert complete(*words, "") == ["app", "orders"]


def test_systems_are_completed() -> None:
    assert complete("up", "--with", "pro") == ["process"]
    assert complete("up", "--with", "batch,pro") == ["batch,process"]


def test_errors_complete_nothing(use_clients: Callable[..., None]) -> None:
    denied = client_error("AccessDeniedException", "ListPipelines", "no")
    use_clients(codepipeline=Answers({"list_pipelines": denied}), cloudformation=Answers({}))
    assert complete("watch", "") == []
    assert complete("logs", "") == []


def test_unreachable_aws_completes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    assert complete("logs", "") == []
