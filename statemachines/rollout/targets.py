"""Reads and validates the targets of a rollout."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Self

from statemachines.deploy.request import USER_KEYS, DeployRequest
from statemachines.rollout.limits import MAX_ALARMS, MAX_TARGET_FILE_BYTES, MAX_TARGETS
from stepline.core import strict_json
from stepline.core.archives.reader import ArtifactReader
from stepline.core.errors import InvalidInputError
from stepline.core.executions.arns import ExecutionArn
from stepline.core.fields import Fields
from stepline.core.text import quoted
from stepline.core.trigger_keys import REVISION_BUCKET, REVISION_KEY

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

NAME, GROUP, ALARMS = "name", "group", "alarms"
_KEYS: Final = (NAME, GROUP, ALARMS, *USER_KEYS)
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_MERGED: Final = ("parameters", "target")
"""Objects of the input whose members a target adds or replaces one by one."""

_NAME_CHARACTERS: Final = 30
"""Of the rollout's and of the target's name in that of an execution, which has at most 80 characters."""


@dataclass(frozen=True)
class Target:
    """`overrides`: what the target has instead of the members of the input that all targets share."""

    name: str
    group: str
    alarms: tuple[str, ...]
    overrides: Mapping[str, Any]
    place: tuple[str, str, str]

    @classmethod
    def parse(cls, fields: Fields, base: Mapping[str, Any], rollout: ExecutionArn) -> Self:
        """Parse a target, and the input of its deployment. Raise `InvalidInputError`, naming the target."""
        fields.allow_only(_KEYS)
        name = fields.text(NAME)
        if not _NAME.fullmatch(name):
            rule = "must begin with a letter or a digit, and have at most 64 letters, digits and . _ -"
            raise fields.wrong(NAME, rule, name)
        overrides = {
            key: _merged(base.get(key), fields.value(key)) if key in _MERGED else fields.value(key)
            for key in USER_KEYS
            if key in fields
        }
        try:
            request = DeployRequest.parse({**base, **overrides})
            alarms = alarm_names(fields, ALARMS)
        except InvalidInputError as error:
            message = f"The target {quoted(name)} cannot be deployed: {error.message}"
            raise InvalidInputError(message) from error
        target = request.target
        account, region = (target.account, target.region) if target else (rollout.account, rollout.region)
        place = (account, region, request.stack_name)
        return cls(name, fields.text_or_empty(GROUP), alarms, overrides, place)

    def execution_name(self, rollout: ExecutionArn) -> str:
        """Return the name of the deployment, always the same in one rollout and different in another."""
        digest = hashlib.sha256(f"{rollout} {self.name}".encode()).hexdigest()[:16]
        name = self.name.replace(".", "-")[:_NAME_CHARACTERS]
        return f"{rollout.name[:_NAME_CHARACTERS]}-{name}-{digest}"


def parse_targets(
    items: Sequence[Fields], base: Mapping[str, Any], rollout: ExecutionArn
) -> tuple[Target, ...]:
    """Parse all targets. Raise `InvalidInputError`, also if two have the same name, or are the same stack."""
    if not items:
        raise InvalidInputError("The rollout has no target.")
    if len(items) > MAX_TARGETS:
        raise InvalidInputError(f"The rollout has {len(items)} targets; at most {MAX_TARGETS} are possible.")
    targets = tuple(Target.parse(item, base, rollout) for item in items)
    _check_unique(targets)
    return targets


def read_target_file(s3: S3Client, document: Fields, path: str) -> list[Fields]:
    """Read the JSON file `path` of the artifact: a list of targets, or `{"targets": [...]}`."""
    reader = ArtifactReader(s3, document.text(REVISION_BUCKET), document.text(REVISION_KEY))
    where = f"{quoted(path)} in the artifact"
    try:
        content = strict_json.loads(reader.read(path, max_bytes=MAX_TARGET_FILE_BYTES))
    except ValueError as error:
        raise InvalidInputError(f"{where} is not JSON: {error}.") from error
    fields = Fields({"targets": content} if isinstance(content, list) else content, where)
    fields.allow_only(("targets",))
    return fields.sections("targets")


def alarm_names(fields: Fields, name: str) -> tuple[str, ...]:
    """Return the names of CloudWatch alarms in a list, each once."""
    names = tuple(dict.fromkeys(fields.text_list(name)))
    if len(names) > MAX_ALARMS:
        raise fields.problem(name, f"has {len(names)} alarms; at most {MAX_ALARMS} are possible")
    if not all(text.strip() for text in names):
        raise fields.problem(name, "has a blank name")
    return names


def _check_unique(targets: Iterable[Target]) -> None:
    names: set[str] = set()
    places: dict[tuple[str, str, str], str] = {}
    for target in targets:
        if target.name in names:
            raise InvalidInputError(f"Two targets have the name {quoted(target.name)}.")
        names.add(target.name)
        other = places.setdefault(target.place, target.name)
        if other != target.name:
            account, region, stack = target.place
            raise InvalidInputError(
                f"The targets {quoted(other)} and {quoted(target.name)} are the same stack: {stack} in the "
                f"account {account}, region {region}."
            )


def _merged(base: Any, value: Any) -> Any:
    """Merge objects member by member, and replace anything else."""
    if not isinstance(base, Mapping) or not isinstance(value, Mapping):
        return value
    return {**base, **{key: _merged(base.get(key), item) for key, item in value.items()}}
