"""Deleting images that a current Docker pushes: an index, the image, and its attestation."""

from __future__ import annotations

from typing import Any

import pytest

from stepline.core.errors import UsageError
from stepline.images.delete import add_referenced_images, delete_images, find_images, list_images
from tests.fakes.clients import client_of
from tests.images.fake_indexes import FakeEcrWithIndexes, digest


@pytest.fixture
def ecr() -> FakeEcrWithIndexes:
    fake = FakeEcrWithIndexes()
    fake.push("content-1", "a", "b", "c")
    fake.push("content-2", "d", "e", "c")  # both have the same attestation
    fake.push("latest", "d", "e", "c")
    return fake


def delete(ecr: FakeEcrWithIndexes, *references: str) -> list[str]:
    """Delete as the command does, and return the digests."""
    client: Any = client_of(ecr)
    stored = list_images(client, "jobs")
    chosen = find_images(stored, references) if references else stored
    images = add_referenced_images(client, "jobs", chosen, stored)
    delete_images(client, "jobs", images)
    return [image.digest for image in images]


def test_all_images_are_deleted_the_indexes_before_what_they_refer_to(ecr: FakeEcrWithIndexes) -> None:
    """An earlier bug: ImageReferencedByManifestList ended it half-way."""
    assert sorted(delete(ecr)) == [digest(name) for name in "abcde"]
    assert ecr.images == {}


def test_nested_indexes_are_deleted(ecr: FakeEcrWithIndexes) -> None:
    ecr.references[digest("f")] = [digest("a")]
    ecr.images[digest("f")] = ["all"]
    delete(ecr)
    assert ecr.images == {}


def test_more_images_than_a_request_may_have_are_deleted() -> None:
    ecr = FakeEcrWithIndexes()
    for number in range(60):
        ecr.push(f"content-{number}", f"{number:03}-", f"{number:03}+", f"{number:03}*")
    delete(ecr)
    assert ecr.images == {}


def test_image_is_deleted_with_what_only_it_refers_to(ecr: FakeEcrWithIndexes) -> None:
    assert delete(ecr, "content-1") == [digest("a"), digest("b")]
    assert sorted(ecr.images) == [digest("c"), digest("d"), digest("e")]
    assert delete(ecr, "latest") == [digest("d"), digest("e"), digest("c")]
    assert ecr.images == {}


def test_image_to_which_another_index_refers_is_reported(ecr: FakeEcrWithIndexes) -> None:
    with pytest.raises(UsageError, match=f"ECR did not delete {digest('b')}: Requested image referenced by"):
        delete(ecr, digest("b"))
    assert digest("b") in ecr.images
