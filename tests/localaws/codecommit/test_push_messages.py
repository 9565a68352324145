"""The lines that git shows after a push: which pipelines it starts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import pytest

from stepline.localaws.codecommit import CodeCommit
from stepline.localaws.events import AwsEvent
from tests.localaws.codecommit.git_client import WorkingCopy
from tests.localaws.codecommit.served import Events


@dataclass
class Starts:
    """`rules`: the pipelines that a push to a branch starts; `sources`: those that have it as source."""

    rules: dict[str, list[str]] = field(default_factory=dict)
    sources: dict[str, list[str]] = field(default_factory=dict)
    seen: list[AwsEvent] = field(default_factory=list)

    def started_by(self, event: AwsEvent) -> Sequence[str]:
        self.seen.append(event)
        return self.rules.get(event.detail["referenceName"], [])

    def branches(self, _repository_name: str) -> Mapping[str, Sequence[str]]:
        return {name: self.sources.get(name, []) for name in {*self.rules, *self.sources}}


@pytest.fixture
def starts(service: CodeCommit) -> Iterator[Starts]:
    starts = Starts()
    service.show_pipelines_of_pushes(starts)
    yield starts
    service.show_pipelines_of_pushes(Starts())


def push(work: WorkingCopy, *arguments: str) -> list[str]:
    """Push with git, and return the remote's lines."""
    result = work.try_run("push", "origin", *arguments)
    assert result.returncode == 0, result.stderr
    lines = [
        line.removeprefix("remote: ") for line in result.stderr.splitlines() if line.startswith("remote:")
    ]
    return [line.strip() for line in lines]


def test_push_says_which_pipeline_it_starts(work: WorkingCopy, starts: Starts, events: Events) -> None:
    starts.rules = {"main": ["orders"]}
    work.commit({"a": "1"})
    assert push(work, "main") == ["Branch main starts pipeline orders."]
    assert events.summary() == [("referenceCreated", "refs/heads/main")]
    assert starts.seen[0].detail == events.all[0].detail


def test_push_that_starts_nothing_says_which_branch_does(work: WorkingCopy, starts: Starts) -> None:
    starts.rules = {"main": ["orders", "reports"], "release": ["orders"]}
    work.commit({"a": "1"})
    assert push(work, "main:master") == [
        "Branch master starts no pipeline; branch main starts pipelines orders, reports; "
        "branch release starts pipeline orders."
    ]


def test_source_that_no_rule_starts_is_named(work: WorkingCopy, starts: Starts) -> None:
    starts.sources = {"main": ["orders"]}
    work.commit({"a": "1"})
    assert push(work, "main", "main:other") == [
        "Branch main starts no pipeline: it is the source of pipeline orders, but no rule of EventBridge "
        "starts it.",
        "Branch other starts no pipeline.",
    ]


def test_tags_and_deletions_have_no_message(work: WorkingCopy, starts: Starts) -> None:
    work.commit({"a": "1"})
    push(work, "main", "main:other")
    work.run("tag", "v1")
    assert push(work, "v1") == []
    assert push(work, "--delete", "other") == []
    assert starts.seen


def test_push_succeeds_if_the_pipelines_cannot_be_found_out(
    work: WorkingCopy, starts: Starts, monkeypatch: pytest.MonkeyPatch, events: Events
) -> None:
    def fail(_event: AwsEvent) -> Sequence[str]:
        raise RuntimeError("raised by the test")

    monkeypatch.setattr(starts, "started_by", fail)
    work.commit({"a": "1"})
    assert push(work, "main") == []
    assert events.summary() == [("referenceCreated", "refs/heads/main")]
