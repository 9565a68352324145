"""One local AWS with the application for all tests of permissions."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.iam.mutations import local_aws
from tests.iam.system import System


@pytest.fixture(scope="session")
def system() -> Iterator[System]:
    with local_aws() as endpoint_url:
        yield System(endpoint_url)
