"""CodePipeline's statuses."""

from __future__ import annotations

import botocore.session
import pytest

from stepline.aws.statuses import Status


@pytest.mark.parametrize(
    "shape", ["PipelineExecutionStatus", "StageExecutionStatus", "ActionExecutionStatus"]
)
def test_every_status_of_the_model_is_known(shape: str) -> None:
    model = botocore.session.get_session().get_service_model("codepipeline")
    for value in model.shape_for(shape).enum:  # type: ignore[attr-defined]
        assert Status.parse(value).value == value


def test_unknown_status_counts_as_running() -> None:
    assert Status.parse("Pondering") is Status.UNKNOWN
    assert Status.parse("Pondering").is_running
