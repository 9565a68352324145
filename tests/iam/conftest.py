"""A local AWS with the application, shared by all tests of permissions."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.iam.mutations import local_aws
from tests.iam.pipeline import Pipeline


@pytest.fixture(scope="session")
def system() -> Iterator[Pipeline]:
    with local_aws() as endpoint_url:
        yield Pipeline(endpoint_url)
