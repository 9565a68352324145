"""The API's operations on the tags of a repository (AWS's tags, not git's)."""

from __future__ import annotations

import re
from collections.abc import Iterable

from stepline.localaws.codecommit.errors import (
    InvalidResourceArnException,
    InvalidSystemTagUsageException,
    TooManyTagsException,
)
from stepline.localaws.codecommit.parts import Parts
from stepline.localaws.codecommit.store import Repository
from stepline.localaws.protocol import Params

MAX_TAGS = 50
"""Tags of a repository: https://docs.aws.amazon.com/codecommit/latest/userguide/limits.html"""

_ARN = re.compile(r"arn:aws[\w-]*:codecommit:(?P<region>[\w-]+):(?P<account>\d{12}):(?P<name>[\w.-]{1,100})")


class TagOperations:
    """TagResource, UntagResource, ListTagsForResource."""

    _parts: Parts

    def tag_resource(self, params: Params) -> None:
        repository = self._resource(params["resourceArn"])
        with repository.lock:
            tags = {**repository.record.tags, **params["tags"]}
            check_tags(tags)
            repository.change(tags=tags)

    def untag_resource(self, params: Params) -> None:
        repository = self._resource(params["resourceArn"])
        _check_keys(params["tagKeys"])
        with repository.lock:
            tags = repository.record.tags
            repository.change(tags={key: tags[key] for key in tags if key not in params["tagKeys"]})

    def list_tags_for_resource(self, params: Params) -> Params:
        return {"tags": dict(self._resource(params["resourceArn"]).record.tags)}

    def _resource(self, arn: str) -> Repository:
        found = _ARN.fullmatch(arn)
        if found is None or (found["region"], found["account"]) != (
            self._parts.region,
            self._parts.account_id,
        ):
            message = f"{arn} is not the ARN of a repository of this account and region"
            raise InvalidResourceArnException(message)
        return self._parts.store.get(found["name"])


def check_tags(tags: Params) -> None:
    """Raises TooManyTagsException, InvalidSystemTagUsageException."""
    if len(tags) > MAX_TAGS:
        raise TooManyTagsException(f"A repository can have {MAX_TAGS} tags at most")
    _check_keys(tags)


def _check_keys(keys: Iterable[str]) -> None:
    for key in keys:
        if key.lower().startswith("aws:"):
            message = f"The tag key {key} is not valid: keys cannot begin with aws:"
            raise InvalidSystemTagUsageException(message)
