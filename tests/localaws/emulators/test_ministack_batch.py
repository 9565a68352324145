"""Fails when ministack no longer needs a patch of Batch and ECR, which the test's docstring names.

tests/end_to_end/test_batch.py tests how they behave with the patches.
"""

from __future__ import annotations

from collections.abc import Callable

from tests.localaws.emulators.conftest import functions_of


def test_jobs_succeed_without_running(ministack_source: Callable[[str], str]) -> None:
    """routing.add_service of Batch"""
    assert '"statusReason": "Stub job completed immediately"' in ministack_source("batch.py")


def test_image_is_deleted_with_one_of_its_tags_and_its_manifest_stays(
    ministack_source: Callable[[str], str],
) -> None:
    """ecr.delete_images_as_ecr"""
    deletion = functions_of(ministack_source("ecr.py"))["_batch_delete_image"]
    assert "_images[name].remove(match)" in deletion
    assert "_manifest_blobs" not in deletion


def test_pushed_image_sends_no_event(ministack_source: Callable[[str], str]) -> None:
    """ecr.send_push_events"""
    assert "eventbridge" not in ministack_source("ecr.py")


def test_image_is_listed_with_its_last_tag(ministack_source: Callable[[str], str]) -> None:
    """ecr.list_each_tag"""
    listing = functions_of(ministack_source("ecr.py"))["_list_images"]
    assert 'result.append(img["imageId"])' in listing
