"""CloudFormation refuses invalid changes of templates with AWS's messages."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.localaws.running_server import Server, running_server
from tests.parity.cloudformation import read_cases, read_templates, run_case

pytestmark = pytest.mark.xdist_group("parity of cloudformation")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running_server(tmp_path_factory.mktemp("parity")) as server:
        yield server


@pytest.mark.parametrize("name", sorted(read_cases()))
def test_invalid_change_is_reported_as_on_aws(server: Server, name: str) -> None:
    case = read_cases()[name]
    outcome = run_case(server, name, case, read_templates()[case["template"]])
    if outcome.difference:
        assert not outcome.agrees, "the known difference is gone: delete it from the case"
    else:
        assert outcome.seen == outcome.expected


def test_collection_has_thirty_changes_with_sources() -> None:
    cases = read_cases().values()
    assert len(cases) >= 30
    assert all(case["source"] for case in cases)
