"""Chooses the AWS that a command uses, and creates clients for it.

The first of: `--endpoint-url`; `--profile`, which means AWS; `AWS_ENDPOINT_URL`; the `endpoint_url` of the
profile in use; a local AWS that runs on the default port; AWS, by boto3's own rules.

A local endpoint is on this machine or has no TLS, which AWS always has. Its clients have made-up credentials
and ignore the user's profiles, so that real credentials are not sent to it by accident; they are sent only
if both `--endpoint-url` and `--profile` are given.
"""

from __future__ import annotations

import os
import shlex
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

import boto3
import botocore.session
from botocore.config import Config
from botocore.exceptions import ProfileNotFound

from stepline.aws import local_servers
from stepline.aws.local_servers import LocalAws
from stepline.core.errors import UsageError
from stepline.core.local_aws import DEFAULT_PORT, DEFAULT_REGION

_LOCAL_KEY = "local"  # both the access key id and the secret key
_LOCAL_KEYS = frozenset({_LOCAL_KEY, "test"})
"""Made-up keys: those that stepline sets, and those of the documentation."""

_CONNECT_SECONDS = 5
_RETRIES: Any = {"mode": "standard", "total_max_attempts": 5}
_LOCAL_RETRIES: Any = {"mode": "standard", "total_max_attempts": 2}  # a local AWS does not throttle
_PATH_STYLE: Any = {"addressing_style": "path"}  # a local bucket has no host name of its own
_DEFAULT_URL = f"http://127.0.0.1:{DEFAULT_PORT}"


@dataclass(frozen=True)
class TargetOptions:
    """The options of the command line that choose the AWS."""

    endpoint_url: str | None = None
    region: str | None = None
    profile: str | None = None


@dataclass(frozen=True)
class Target:
    """The AWS that a command uses; `local_aws` is set if `stepline up` or `stepline run` started it."""

    session: boto3.Session
    endpoint_url: str | None
    region: str
    profile: str | None
    is_local: bool
    local_aws: LocalAws | None = None
    _clients: dict[tuple[str, str], Any] = field(default_factory=dict, repr=False, compare=False)
    _creating: threading.RLock = field(default_factory=threading.RLock, repr=False, compare=False)

    def client(self, service: str, region: str | None = None) -> Any:
        """Return the boto3 client of `service`, in the target's region or another one; it is created once.

        Threads may share it [boto3: clients are thread-safe, but creating them is not].
        """
        key = service, region or self.region
        with self._creating:
            if key not in self._clients:
                self._clients[key] = self.new_client(service, Config(region_name=key[1]))
            return self._clients[key]

    def new_client(self, service: str, config: Config) -> Any:
        """Create a client with its own configuration, such as another time-out."""
        return self.session.client(service, endpoint_url=self.endpoint_url, config=config)  # type: ignore[call-overload]

    @property
    def command_options(self) -> list[str]:
        """The options with which a command in another terminal uses the same AWS."""
        if self.is_local:
            is_default = self.endpoint_url == _DEFAULT_URL
            return [] if is_default else [f"--endpoint-url {self.endpoint_url}"]
        endpoint = [f"--endpoint-url {self.endpoint_url}"] if self.endpoint_url else []
        profile = [f"--profile {shlex.quote(self.profile)}"] if self.profile else []
        return [*endpoint, f"--region {self.region}", *profile]

    def __str__(self) -> str:
        if self.is_local:
            return f"local AWS at {self.endpoint_url}"
        endpoint = f" at {self.endpoint_url}" if self.endpoint_url else ""
        profile = f", profile {self.profile}" if self.profile else ""
        return f"AWS{endpoint}, {self.region}{profile}"


def local_environment(local_aws: LocalAws) -> dict[str, str]:
    """Return the environment variables with which `aws`, boto3 and others use the local AWS."""
    return {
        "AWS_ENDPOINT_URL": local_aws.endpoint_url,
        "AWS_ACCESS_KEY_ID": _LOCAL_KEY,
        "AWS_SECRET_ACCESS_KEY": _LOCAL_KEY,
        "AWS_DEFAULT_REGION": local_aws.region,
    }


def choose_target(options: TargetOptions, environment: Mapping[str, str]) -> Target:
    """Return the AWS that `options` and `environment` choose. Raises UsageError for a malformed endpoint."""
    url = options.endpoint_url
    if url is None and options.profile is None:
        url = environment.get("AWS_ENDPOINT_URL") or None
    if url is None:
        url = _profile_endpoint(options.profile)
    if url is not None:
        return _target_at(_validate_url(url), options)
    local_aws = local_servers.find_running(DEFAULT_PORT) if not options.profile else None
    if local_aws is not None:
        return local_target(local_aws, region=options.region)
    if options.profile is None:
        _refuse_local_credentials(environment)
    return _aws_target(None, options)


def local_target(local_aws: LocalAws, *, region: str | None = None) -> Target:
    """Return the target for a local AWS that runs on this machine."""
    region = region or local_aws.region
    return Target(local_session(region), local_aws.endpoint_url, region, None, True, local_aws)


def local_session(region: str) -> boto3.Session:
    """Create a session with made-up credentials, without the user's configuration and proxies."""
    unset = (None, None, None, None)
    session = botocore.session.Session(
        session_vars={
            "profile": unset,
            "config_file": (None, None, os.devnull, None),
            "credentials_file": (None, None, os.devnull, None),
        }
    )
    session.set_default_client_config(
        _config(_LOCAL_RETRIES, proxies={}, inject_host_prefix=False, s3=_PATH_STYLE)
    )
    return boto3.Session(_LOCAL_KEY, _LOCAL_KEY, region_name=region, botocore_session=session)


def is_local_url(url: str) -> bool:
    """Whether the address is on this machine or has no TLS."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme == "http" or host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _refuse_local_credentials(environment: Mapping[str, str]) -> None:
    """Raises UsageError if the credentials in the environment are those of a local AWS, which AWS refuses."""
    key = environment.get("AWS_ACCESS_KEY_ID")
    if key in _LOCAL_KEYS and environment.get("AWS_SECRET_ACCESS_KEY") in _LOCAL_KEYS:
        raise UsageError(
            f"AWS_ACCESS_KEY_ID is {key!r}, which is for a local AWS, but none is running: start it with"
            " `stepline up`, or to use AWS, unset AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_DEFAULT_REGION"
        )


def _target_at(url: str, options: TargetOptions) -> Target:
    if not is_local_url(url) or options.profile:
        return _aws_target(url, options)
    port = urlsplit(url).port
    local_aws = local_servers.find_running(port) if port else None
    region = options.region or (local_aws.region if local_aws else DEFAULT_REGION)
    return Target(local_session(region), url, region, None, True, local_aws)


def _aws_target(url: str | None, options: TargetOptions) -> Target:
    session = botocore.session.Session(profile=options.profile)
    session.set_default_client_config(_config(_RETRIES))
    boto3_session = boto3.Session(botocore_session=session, region_name=options.region)
    region = boto3_session.region_name
    if not region:
        raise UsageError(
            "no local AWS is running and no region is set: start a local AWS with `stepline up`, "
            "or set --region or AWS_REGION to use AWS"
        )
    profile = options.profile or os.environ.get("AWS_PROFILE")
    is_local = url is not None and is_local_url(url)
    return Target(boto3_session, url, region, profile, is_local)


def _profile_endpoint(profile: str | None) -> str | None:
    """Return the `endpoint_url` of the profile in use, from the user's AWS configuration."""
    try:
        configured = botocore.session.Session(profile=profile).get_scoped_config()
    except ProfileNotFound:
        if profile is not None:
            raise
        return None  # AWS_PROFILE is wrong, which matters only if AWS itself is used
    url = configured.get("endpoint_url")
    return str(url) if url else None


def _validate_url(url: str) -> str:
    parts = urlsplit(url)
    try:
        valid = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        valid = False
    if not valid:
        raise UsageError(f"{url!r} is not an endpoint URL: use one such as {_DEFAULT_URL}")
    return url.rstrip("/")


def _config(retries: Any, **settings: Any) -> Config:
    return Config(connect_timeout=_CONNECT_SECONDS, retries=retries, **settings)
