"""The environment variables of a build.

https://docs.aws.amazon.com/codebuild/latest/userguide/build-env-ref-env-vars.html. Values of parameters and
secrets are read as the build's role.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from stepline.core.aws_errors import error_code, error_message
from stepline.localaws.codebuild.buildspec import Buildspec
from stepline.localaws.codebuild.errors import PhaseError
from stepline.localaws.codebuild.models import Build, Document
from stepline.localaws.codebuild.settings import MAX_PARAMETERS_OF_CALL
from stepline.localaws.codebuild.sources import Downloaded
from stepline.localaws.iam import Actor, acting_as

_PLAINTEXT, _PARAMETER, _SECRET = "PLAINTEXT", "PARAMETER_STORE", "SECRETS_MANAGER"


@dataclass(frozen=True)
class CustomVariables:
    """Reads the values of custom variables. `hide` is called with each value that logs must not show."""

    clients: Callable[[str], Any]
    actor: Actor
    hide: Callable[[str], None]

    def read(self, spec: Buildspec, declared: Iterable[Document]) -> dict[str, str]:
        """Return the variables of the buildspec and those of the build, which replace them by name.

        Raises PhaseError for a parameter or secret that cannot be read.
        """
        variables = {
            **{name: (_PLAINTEXT, value) for name, value in spec.variables.items()},
            **{name: (_PARAMETER, value) for name, value in spec.parameters.items()},
            **{name: (_SECRET, value) for name, value in spec.secrets.items()},
            **{item["name"]: (item.get("type", _PLAINTEXT), item["value"]) for item in declared},
        }
        values = {name: value for name, (kind, value) in variables.items() if kind == _PLAINTEXT}
        values |= self._parameters(
            {name: value for name, (kind, value) in variables.items() if kind == _PARAMETER}
        )
        values |= {name: self._secret(value) for name, (kind, value) in variables.items() if kind == _SECRET}
        return values

    def _parameters(self, names: Mapping[str, str]) -> dict[str, str]:
        found: dict[str, str] = {}
        wanted = sorted(set(names.values()))
        for start in range(0, len(wanted), MAX_PARAMETERS_OF_CALL):
            found |= self._get_parameters(wanted[start : start + MAX_PARAMETERS_OF_CALL])
        for value in found.values():
            self.hide(value)
        return {name: found[parameter] for name, parameter in names.items()}

    def _get_parameters(self, names: list[str]) -> dict[str, str]:
        try:
            with acting_as(self.actor):
                response = self.clients("ssm").get_parameters(Names=names, WithDecryption=True)
        except ClientError as error:
            raise _error("Decrypted Variables Error", error) from error
        if missing := response.get("InvalidParameters"):
            raise PhaseError("Decrypted Variables Error", f"parameter does not exist: {missing[0]}")
        found = {item["Name"]: item["Value"] for item in response["Parameters"]}
        by_arn = {item["ARN"]: item["Value"] for item in response["Parameters"] if "ARN" in item}
        return {name: found.get(name, by_arn.get(name, "")) for name in names}

    def _secret(self, reference: str) -> str:
        """Return the value of `<secret id>:<json key>:<version stage>:<version id>`."""
        secret_id, key, stage, version = _parse_secret(reference)
        which = {"VersionStage": stage, "VersionId": version}
        try:
            with acting_as(self.actor):
                response = self.clients("secretsmanager").get_secret_value(
                    SecretId=secret_id, **{name: value for name, value in which.items() if value}
                )
        except ClientError as error:
            raise _error("Secrets Manager Error", error) from error
        text = str(response.get("SecretString", ""))
        value = _member(text, key, secret_id) if key else text
        self.hide(value)
        return value


def _parse_secret(reference: str) -> tuple[str, str, str, str]:
    parts = reference.split(":")
    length = 7 if reference.startswith("arn:") else 1  # arn:aws:secretsmanager:region:account:secret:name
    key, stage, version = [*parts[length:], "", "", ""][:3]
    return ":".join(parts[:length]), key, stage, version


def _member(text: str, key: str, secret_id: str) -> str:
    try:
        value = json.loads(text)[key]
    except (ValueError, KeyError, TypeError) as error:
        raise PhaseError("Secrets Manager Error", f"secret {secret_id} has no key {key}") from error
    return value if isinstance(value, str) else json.dumps(value)


def _error(code: str, error: ClientError) -> PhaseError:
    return PhaseError(code, f"{error_code(error)}: {error_message(error)}")


def codebuild_variables(build: Build, sources: Iterable[Downloaded]) -> dict[str, str]:
    """Return the variables that CodeBuild sets, except the region and those of the role."""
    document = build.document
    variables = {
        "CODEBUILD_BUILD_ARN": build.arn,
        "CODEBUILD_BUILD_ID": build.id,
        "CODEBUILD_BUILD_IMAGE": document["environment"]["image"],
        "CODEBUILD_BUILD_SUCCEEDING": "1",
        "CODEBUILD_CI": "true",
        "CODEBUILD_INITIATOR": document["initiator"],
        "CODEBUILD_KMS_KEY_ID": document["encryptionKey"],
        "CODEBUILD_LAST_EXIT": "0",
        "CODEBUILD_LOG_PATH": document["logs"].get("streamName", ""),
        "CODEBUILD_START_TIME": str(int(build.started_at.timestamp() * 1000)),
    }
    if build.number is not None:
        variables["CODEBUILD_BUILD_NUMBER"] = str(build.number)
    for source in sources:
        variables |= _source_variables(source)
    return variables


def _source_variables(source: Downloaded) -> dict[str, str]:
    suffix = f"_{source.identifier}" if source.identifier else ""
    variables = {
        f"CODEBUILD_SOURCE_REPO_URL{suffix}": source.url,
        f"CODEBUILD_SOURCE_VERSION{suffix}": source.version,
        f"CODEBUILD_SRC_DIR{suffix}": str(source.folder),
    }
    if source.resolved_version is not None:
        variables[f"CODEBUILD_RESOLVED_SOURCE_VERSION{suffix}"] = source.resolved_version
    return variables
