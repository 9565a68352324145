"""The account and region of a deployment, if they are not the pipeline's own."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Self

from stepline.core.clients import AssumedRole
from stepline.core.fields import Fields, JsonObject

_KEYS: Final = ("account", "region", "roleArn", "externalId", "sessionTags")
_REGION: Final = re.compile(r"[a-z]{2,}(-[a-z]+)+-[0-9]{1,2}")
ROLE_ARN: Final = re.compile(r"arn:[a-z-]+:iam::[0-9]{12}:role/[\x21-\x7e]{1,576}")

# ExternalId and Tags of AssumeRole [API reference].
_EXTERNAL_ID: Final = re.compile(r"[\w+=,.@:/-]{2,1224}", re.ASCII)
_TAG_CHARACTERS: Final = r"[\w\s.:/=+@-]"
_TAG_NAME: Final = re.compile(rf"{_TAG_CHARACTERS}{{1,128}}")
_TAG_VALUE: Final = re.compile(rf"{_TAG_CHARACTERS}{{0,256}}")
_MAX_TAGS: Final = 50


@dataclass(frozen=True)
class Target:
    """Where a stack is deployed: with the role `role_arn` of the account, in a region."""

    account: str
    region: str
    role_arn: str
    external_id: str
    session_tags: Mapping[str, str]

    @classmethod
    def parse(cls, fields: Fields) -> Self:
        """Parse the member `target` of the input. Raise `InvalidInputError`, naming the key that is wrong."""
        fields.allow_only(_KEYS)
        role_arn = _matching(fields, "roleArn", ROLE_ARN, "must be the ARN of an IAM role")
        account = role_arn.split(":")[4]
        given = fields.text_or_empty("account")
        if given not in {"", account}:
            raise fields.wrong("account", f"must be {account}, the account of the role", given)
        return cls(
            account=account,
            region=_matching(fields, "region", _REGION, "must be a region, such as eu-west-1"),
            role_arn=role_arn,
            external_id=_external_id(fields),
            session_tags=_session_tags(fields),
        )

    def document(self) -> JsonObject:
        """Return what `parse` reads."""
        return {
            "region": self.region,
            "roleArn": self.role_arn,
            **({"externalId": self.external_id} if self.external_id else {}),
            "sessionTags": dict(self.session_tags),
        }

    @property
    def role(self) -> AssumedRole:
        tags = tuple(sorted(self.session_tags.items()))
        return AssumedRole(self.role_arn, self.region, self.external_id, tags)

    def name_of(self, stack_name: str) -> str:
        """Return what names a stack in any account and region: `222222222222/eu-west-1/prod-app`."""
        return f"{self.account}/{self.region}/{stack_name}"

    def owns_role(self, arn: str) -> bool:
        return arn.split(":")[4] == self.account


def _matching(fields: Fields, name: str, pattern: re.Pattern[str], rule: str) -> str:
    text = fields.text(name)
    if not pattern.fullmatch(text):
        raise fields.wrong(name, rule, text)
    return text


def _external_id(fields: Fields) -> str:
    text = fields.text_or_empty("externalId")
    if text and not _EXTERNAL_ID.fullmatch(text):
        rule = "must have 2 to 1,224 characters, each a letter, a digit or one of _+=,.@:/-"
        raise fields.problem("externalId", rule)
    return text


def _session_tags(fields: Fields) -> Mapping[str, str]:
    tags = fields.texts("sessionTags")
    if len(tags) > _MAX_TAGS:
        raise fields.problem("sessionTags", f"has {len(tags)} tags; AWS accepts at most {_MAX_TAGS}")
    if len({name.lower() for name in tags}) < len(tags):
        raise fields.problem("sessionTags", "has two names that differ only in case")
    for name, value in tags.items():
        if not _TAG_NAME.fullmatch(name) or not _TAG_VALUE.fullmatch(value):
            rule = (
                "must have a name of 1 to 128 and a value of at most 256 characters, "
                "each a letter, a digit, a space or one of _.:/=+-@"
            )
            raise fields.problem(f"sessionTags.{name}"[:160], rule)
    return tags
