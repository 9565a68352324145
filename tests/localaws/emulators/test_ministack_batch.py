"""Each mend of ministack's Batch and ECR is needed: a test here that fails says that one of them can go.

How the mended ones behave, tests/end_to_end/test_batch.py shows. What ministack does is read from its
source: to import it would load all of it into this process.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path


def _source(*names: str) -> str:
    package = find_spec("ministack")
    assert package is not None
    assert package.origin is not None
    return Path(package.origin).parent.joinpath(*names).read_text()


def test_its_jobs_succeed_without_running() -> None:
    """ministack_batch.serve"""
    assert '"statusReason": "Stub job completed immediately"' in _source("services", "batch.py")


def test_its_cloudformation_knows_no_batch() -> None:
    """ministack_batch.add_types"""
    assert "AWS::Batch::" not in _source("services", "cloudformation", "provisioners.py")


def test_its_state_machines_need_no_right_to_make_rules() -> None:
    """ministack_managed_rules.check_managed_rules"""
    assert "ForBatchJobsRule" not in _source("services", "stepfunctions.py")


def test_its_repositories_lose_images_with_one_of_their_tags() -> None:
    """ministack_ecr.delete_images_as_ecr"""
    source = _source("services", "ecr.py")
    deletion = source[source.index("def _batch_delete_image(") : source.index("def _list_images(")]
    assert "_images[name].remove(match)" in deletion
    assert "_manifest_blobs" not in deletion
