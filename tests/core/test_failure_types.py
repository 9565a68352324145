"""The types of failed jobs are those of CodePipeline."""

from __future__ import annotations

import botocore.session
from botocore.model import StringShape

from stepline.core.failure_types import FailureType


def test_failure_types_are_those_of_the_service_model() -> None:
    shape = botocore.session.Session().get_service_model("codepipeline").shape_for("FailureType")
    assert isinstance(shape, StringShape)
    assert sorted(FailureType) == sorted(shape.enum)
