"""Paging, which all services of the local AWS share."""

from __future__ import annotations

import pytest

from stepline.localaws.protocol import AwsError, page


class InvalidToken(AwsError):  # noqa: N818 - as AWS calls it
    pass


def page_of(items: list[int], token: str | None, scope: str = "") -> tuple[list[int], str | None]:
    return page(items, key=str, limit=2, token=token, invalid_token=InvalidToken("no"), scope=scope)


def test_pages_follow_each_other_to_the_end() -> None:
    items = list(range(5))
    first, token = page_of(items, None)
    second, token = page_of(items, token)
    third, end = page_of(items, token)
    assert [first, second, third, end] == [[0, 1], [2, 3], [4], None]


def test_items_added_at_the_beginning_do_not_shift_pages() -> None:
    _, token = page_of([3, 2, 1, 0], None)
    assert page_of([5, 4, 3, 2, 1, 0], token) == ([1, 0], None)


@pytest.mark.parametrize("token", ["", "nonsense", "bm9uc2Vuc2U=", "ü"])
def test_malformed_token_is_invalid(token: str) -> None:
    with pytest.raises(InvalidToken):
        page_of([0, 1, 2], token)


def test_token_of_another_query_or_of_a_deleted_item_is_invalid() -> None:
    _, token = page_of([0, 1, 2], None, "running")
    with pytest.raises(InvalidToken):
        page_of([0, 1, 2], token, "failed")
    with pytest.raises(InvalidToken):
        page_of([0, 2], token, "running")
