"""What the decorator of task handlers makes of the errors of the code that tasks share with the pipeline."""

from __future__ import annotations

import pytest

from statemachines.fields import Fields, JsonObject
from statemachines.task import task
from stepline.core.errors import (
    ConfigurationError,
    PermissionDeniedError,
    RequestRefusedError,
    SteplineError,
    TransientAwsError,
)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (TransientAwsError("later"), TransientAwsError),
        (PermissionDeniedError("not you"), PermissionDeniedError),
        (ConfigurationError("not that"), RequestRefusedError),
    ],
)
def test_an_error_of_the_pipeline_becomes_one_that_the_asl_files_know(
    error: SteplineError, expected: type[SteplineError]
) -> None:
    @task("any")
    def handler(_event: Fields) -> JsonObject:
        raise error

    with pytest.raises(expected, match=error.message):
        handler({}, None)
