"""Hides what no page may show: credentials, tokens, passwords, private keys and signatures of URLs.

Secrets are known by the name of the member that has them, or by their form. Names and ARNs of secrets stay.
The cases are in tests/aws/redaction_cases.json.

Forms of key ids: IAM user guide, "Understanding unique ID prefixes". Parameters of signed URLs: S3 user
guide, "Authenticating requests: using query parameters".
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Final

from stepline.core import strict_json

HIDDEN: Final = "(hidden)"

_MAX_DEPTH = 100
"""Levels of JSON, and of JSON within text, that are read [ours]. What is below is hidden."""

_MIN_TOKEN_CHARACTERS = 40
"""Of a member `token` that is hidden [ours]: task tokens have hundreds, and a client's ids 36."""

# The name of a member that has a secret ends in one of these, whatever its case and with any `_` or `-`.
_SECRET_NAMES = (
    "secret access key",
    "access key id",
    "secret key",
    "session token",
    "security token",
    "access token",
    "refresh token",
    "auth token",
    "bearer token",
    "oauth token",
    "task token",
    "continuation token",
    "password",
    "passwd",
    "passphrase",
    "secret",
    "secret string",
    "secret binary",
    "api key",
    "private key",
    "authorization",
    "cookie",
)
_SECRET_OBJECTS = ("artifact credentials",)
_SEPARATORS = re.compile(r"[ _-]")
_NAME = re.compile(
    rf"(?:{'|'.join(name.replace(' ', '') for name in (*_SECRET_NAMES, *_SECRET_OBJECTS))})$", re.IGNORECASE
)
# Lists of settings are written as `{"Name": …, "Value": …}`, those of CloudFormation with `ParameterKey`.
_PAIRS = {"name": "value", "key": "value", "parameterkey": "parametervalue"}

_NAMES_IN_TEXT = "|".join(name.replace(" ", "[ _-]?") for name in _SECRET_NAMES)
_NAMED = re.compile(
    # Not the `secret` of an ARN, which follows the account's id.
    rf"(?P<name>(?<![0-9]:)(?:{_NAMES_IN_TEXT})\\*[\"']?\s*[:=]\s*)"
    # The closing quote has as many backslashes as the opening one: JSON within JSON.
    r"(?:(?P<quote>\\*[\"'])(?P<quoted>.*?)(?P<end>(?<!\\)(?P=quote)|\Z)|(?P<bare>[^\s,;&\"'<>{}()\[\]]+)"
    # Where an object or list ends cannot be known in a text that is no JSON.
    r"|(?P<rest>[{\[](?!\s*[}\]]).*))",
    re.IGNORECASE | re.DOTALL,
)
_NAME_AT_END = re.compile(rf"(?:{_NAMES_IN_TEXT})\\*[\"']?\s*[:=]\s*\Z", re.IGNORECASE)
_TOKEN_IN_TEXT = re.compile(
    rf"(?P<name>token\\*[\"']?\s*[:=]\s*\\*[\"']?)[A-Za-z0-9+/=_.-]{{{_MIN_TOKEN_CHARACTERS},}}",
    re.IGNORECASE,
)
_HEADER = re.compile(r"(?P<name>\b(?:authorization|cookie)\s*[:=]\s*)(?![\s\"'\\])[^\r\n]+", re.IGNORECASE)
_SCHEME = re.compile(r"(?P<name>\b(?:Bearer|Basic)\s+)[A-Za-z0-9+/=_.~-]{8,}")
_URL_PARAMETER = re.compile(
    r"(?P<name>\bX-Amz-(?:Signature|Security-Token|Credential)(?:=|%3D)|[?&]Signature=)[^&\s\"'<>\\]+",
    re.IGNORECASE,
)
_URL_PASSWORD = re.compile(r"(?P<name>://[^\s/:@\"']{0,200}:)[^\s/@\"']{1,500}(?=@)")
_SIGNATURE = re.compile(r"(?P<name>\b(?:Credential|Signature)=)[A-Za-z0-9/_+=-]{20,}")
_ALONE = re.compile(
    r"(?<![A-Za-z0-9])(?:AKIA|ASIA)[A-Z0-9]{12,}"  # key ids
    r"|(?<![A-Za-z0-9])(?:IQoJb3|FwoGZX|FQoGZX)[A-Za-z0-9+/=]{40,}"  # session tokens
    r"|(?<![A-Za-z0-9])(?:AQC[A-Z]AAAAKgAAAA|AAAAKgAAAA)[A-Za-z0-9+/=_-]{20,}"  # task tokens
    r"|(?<![A-Za-z0-9])eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]*"  # JSON web tokens
    r"|-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----.*?(?:-----END [A-Z ]{0,40}PRIVATE KEY-----|\Z)",
    re.DOTALL,
)
_KEPT_PREFIXES = ("arn:", "{{resolve:", HIDDEN)
"""Values that only refer to a secret: ARNs, and CloudFormation's references."""


def redact_json(value: Any) -> Any:
    """Return a copy of a JSON value in which "(hidden)" stands for each secret."""
    return _redact(value, _MAX_DEPTH)


def redact_text(text: str) -> str:
    """Return `text`, which may be or contain JSON, with "(hidden)" for each secret.

    JSON in which nothing is hidden stays as it is written.
    """
    return _redact_text(text, _MAX_DEPTH)


def redact_optional(text: str | None) -> str | None:
    return None if text is None else redact_text(text)


def _redact(value: Any, depth: int) -> Any:
    if depth == 0:
        return HIDDEN
    if isinstance(value, str):
        return _redact_text(value, depth - 1)
    if isinstance(value, Mapping):
        pair = _secret_of_pair(value)
        return {
            _redact_plain(key) if isinstance(key, str) else key: _redact_member(
                "secret" if key == pair else str(key), member, depth - 1
            )
            for key, member in value.items()
        }
    if isinstance(value, (list, tuple)):
        return [_redact(item, depth - 1) for item in value]
    return value


def _redact_member(name: str, value: Any, depth: int) -> Any:
    plain_name = _SEPARATORS.sub("", name)
    if _NAME.search(plain_name) and not _is_harmless(value):
        return HIDDEN
    is_long = isinstance(value, str) and len(value) >= _MIN_TOKEN_CHARACTERS and not _is_harmless(value)
    if plain_name.lower() == "token" and is_long:
        return HIDDEN
    return _redact(value, depth)


def _is_harmless(value: Any) -> bool:
    """Whether the value of a member with the name of a secret is none."""
    if isinstance(value, str):
        return not value or value.startswith(_KEPT_PREFIXES)
    return value is None or isinstance(value, bool)


def _secret_of_pair(members: Mapping[Any, Any]) -> str | None:
    """Return the member with the value, if this is the name and the value of a secret."""
    by_name = {key.lower(): key for key in members if isinstance(key, str)}
    for name, value in _PAIRS.items():
        named = members.get(by_name.get(name))
        if value in by_name and isinstance(named, str) and _NAME.search(_SEPARATORS.sub("", named)):
            return by_name[value]
    return None


def _redact_text(text: str, depth: int) -> str:
    if depth <= 0:
        return HIDDEN
    begin = text.find("[") if text.lstrip().startswith("[") else text.find("{")
    if begin < 0:
        return _redact_plain(text)
    document, end = _decode(text, begin)
    if end == begin:
        return _redact_plain(text)
    before, after = text[:begin], text[end:]
    redacted = HIDDEN if _NAME_AT_END.search(before) else _redact(document, depth - 1)
    if redacted == document:
        shown = text[begin:end]
    else:
        shown = HIDDEN if redacted == HIDDEN else json.dumps(redacted, ensure_ascii=False)
    return f"{_redact_plain(before)}{shown}{_redact_plain(after)}"


def _decode(text: str, begin: int) -> tuple[Any, int]:
    """Return the JSON that begins at `begin`, and where it ends; `begin` if it is none."""
    try:
        document, end = json.JSONDecoder().raw_decode(text, begin)
    except (ValueError, RecursionError):
        return None, begin
    try:
        strict_json.loads(text[begin:end])
    except ValueError:  # such as a key that is there twice, of which one would be lost
        return None, begin
    return document, end


def _redact_plain(text: str) -> str:
    text = _ALONE.sub(HIDDEN, text)
    text = _HEADER.sub(_keep_name, text)
    text = _NAMED.sub(_hide_named, text)
    for pattern in (_TOKEN_IN_TEXT, _SCHEME, _URL_PARAMETER, _URL_PASSWORD, _SIGNATURE):
        text = pattern.sub(_keep_name, text)
    return text


def _keep_name(match: re.Match[str]) -> str:
    return f"{match['name']}{HIDDEN}"


def _hide_named(match: re.Match[str]) -> str:
    if match["rest"]:
        return f"{match['name']}{HIDDEN}"
    value = match["quoted"] if match["quote"] else match["bare"]
    if _is_harmless(value) or value in {"null", "true", "false"}:
        return match[0]
    quote = match["quote"] or ""
    return f"{match['name']}{quote}{HIDDEN}{match['end'] or ''}"
