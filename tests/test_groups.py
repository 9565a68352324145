"""Tests that share something expensive run in one process: what pytest-xdist's groups are for."""

from __future__ import annotations

import os

import pytest


@pytest.mark.skipif("PYTEST_XDIST_WORKER" not in os.environ, reason="all tests run in one process")
@pytest.mark.xdist_group("one")
def test_xdist_knows_a_test_s_group(request: pytest.FixtureRequest) -> None:
    """It is lost without a word where pytest and pytest-xdist do not go together."""
    assert request.node.nodeid.endswith("@one")
