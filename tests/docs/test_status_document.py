"""The JSON document of `stepline status --json` on docs/command-line.md is that of the code."""

from __future__ import annotations

import json
import re
from datetime import datetime
from pathlib import Path

import pytest

from stepline.aws import pipeline_status
from stepline.aws.local_servers import LocalAws
from stepline.aws.pipeline_status import PipelineStatus, status_document
from stepline.aws.pipelines import (
    ActionDefinition,
    ActionState,
    ExecutionSummary,
    PipelineDefinition,
    SourceRevision,
    StageDefinition,
    StageState,
    Trigger,
)
from stepline.aws.statuses import Status
from stepline.aws.target import local_target
from tests.docs.pages import read

_STARTED = datetime.fromisoformat("2026-11-21T01:43:46.101Z")
_ENDED = datetime.fromisoformat("2026-11-21T01:43:52.633Z")
_OMITTED = "…"


def test_document_on_the_page_is_that_of_the_code(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline_status, "console_url", lambda _local_aws: "http://127.0.0.1:4600/")
    local_aws = LocalAws(
        pid=4711, port=4566, region="us-east-1", directory=Path(_OMITTED), started_at=_OMITTED, owner=None
    )
    deploy = ActionDefinition("Deploy", category="Invoke", provider="Lambda", configuration={})
    definition = PipelineDefinition("stepline", _OMITTED, "QUEUED", (StageDefinition("Deploy", (deploy,)),))
    action = ActionState(
        "Deploy",
        Status.SUCCEEDED,
        summary=_OMITTED,
        percent_complete=100,
        last_status_change=_ENDED,
        external_execution_id="arn:aws:states:…",
        external_execution_url=_OMITTED,
    )
    execution = ExecutionSummary(
        _OMITTED,
        Status.SUCCEEDED,
        start_time=_STARTED,
        last_update_time=_ENDED,
        trigger=Trigger("CloudWatchEvent", _OMITTED),
        source_revisions=(SourceRevision("Source", _OMITTED, _OMITTED),),
    )
    stage = StageState("Deploy", Status.SUCCEEDED, _OMITTED, True, None, (action,))
    document = status_document(local_target(local_aws), [PipelineStatus(definition, (stage,), (execution,))])
    (example,) = re.findall(r"^```json\n(.*?)^```", read("docs/command-line.md"), re.MULTILINE | re.DOTALL)
    assert json.loads(example) == document
