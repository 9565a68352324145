"""The choice of the AWS to use; real credentials are never sent to a local one."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from stepline.aws import local_servers, target
from stepline.aws.local_servers import LocalAws
from stepline.aws.target import Target, TargetOptions, choose_target, is_local_url, local_session
from stepline.core.errors import UsageError
from tests.aws.health_server import health_server

pytestmark = pytest.mark.usefixtures("isolated_environment")

_SESSION = local_session("us-east-1")


@pytest.fixture
def real_credentials(isolated_environment: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Credentials and a region for AWS, and a profile `production`."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAREAL")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "real-secret")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "real-token")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    Path(os.environ["AWS_CONFIG_FILE"]).write_text("[profile production]\nregion = eu-central-1\n")
    Path(os.environ["AWS_SHARED_CREDENTIALS_FILE"]).write_text(
        "[production]\naws_access_key_id = AKIAPROD\naws_secret_access_key = prod-secret\n"
    )


@pytest.fixture
def local_aws(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[LocalAws]:
    """A local AWS on the port that is the default port in this test."""
    with health_server(tmp_path) as local_aws:
        monkeypatch.setattr(target, "DEFAULT_PORT", local_aws.port)
        yield local_aws


def key_of(chosen: Target) -> str:
    credentials = chosen.session.get_credentials()
    assert credentials is not None
    return credentials.access_key


def chosen_target(**options: str) -> Target:
    return choose_target(TargetOptions(**options), os.environ)


@pytest.mark.usefixtures("real_credentials")
class TestWithRealCredentials:
    def test_aws_is_used_without_options(self) -> None:
        chosen = chosen_target()
        assert (chosen.endpoint_url, chosen.is_local, key_of(chosen)) == (None, False, "AKIAREAL")
        assert str(chosen) == "AWS, eu-west-1"

    def test_running_local_aws_is_preferred_with_made_up_credentials(self, local_aws: LocalAws) -> None:
        chosen = chosen_target()
        assert (chosen.endpoint_url, chosen.local_aws) == (local_aws.endpoint_url, local_aws)
        assert (key_of(chosen), chosen.region) == ("local", "us-east-1")
        assert str(chosen) == f"local AWS at {local_aws.endpoint_url}"

    def test_profile_uses_aws_although_a_local_aws_is_running(self, local_aws: LocalAws) -> None:
        chosen = chosen_target(profile="production")
        assert (chosen.endpoint_url, key_of(chosen)) == (None, "AKIAPROD")
        assert str(chosen) == "AWS, eu-west-1, profile production"  # boto3: AWS_DEFAULT_REGION goes first

    @pytest.mark.parametrize("url", ["http://127.0.0.1:9", "https://localhost:9", "http://stepline:4566"])
    def test_local_endpoint_gets_made_up_credentials(self, monkeypatch: pytest.MonkeyPatch, url: str) -> None:
        assert key_of(chosen_target(endpoint_url=url)) == "local"
        monkeypatch.setenv("AWS_ENDPOINT_URL", url)
        assert (key_of(chosen_target()), chosen_target().endpoint_url) == ("local", url)

    def test_option_overrides_the_environment(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
        assert chosen_target(endpoint_url="http://127.0.0.1:2").endpoint_url == "http://127.0.0.1:2"

    def test_endpoint_of_aws_gets_the_users_credentials(self) -> None:
        chosen = chosen_target(endpoint_url="https://vpce-1.codepipeline.eu-west-1.vpce.amazonaws.com")
        assert (chosen.is_local, key_of(chosen)) == (False, "AKIAREAL")

    def test_local_endpoint_with_a_profile_gets_its_credentials(self) -> None:
        assert key_of(chosen_target(endpoint_url="http://127.0.0.1:9", profile="production")) == "AKIAPROD"

    def test_endpoint_of_the_profile_is_used(self) -> None:
        with Path(os.environ["AWS_CONFIG_FILE"]).open("a") as stream:
            stream.write("[default]\nendpoint_url = http://127.0.0.1:9\n")
        chosen = chosen_target()
        assert (chosen.endpoint_url, key_of(chosen)) == ("http://127.0.0.1:9", "local")

    def test_unknown_profile_in_the_environment_is_ignored_for_a_local_aws(
        self, monkeypatch: pytest.MonkeyPatch, local_aws: LocalAws
    ) -> None:
        monkeypatch.setenv("AWS_PROFILE", "gone")
        assert chosen_target().client("codepipeline").meta.endpoint_url == local_aws.endpoint_url

    def test_local_aws_is_used_without_a_proxy(
        self, monkeypatch: pytest.MonkeyPatch, local_aws: LocalAws
    ) -> None:
        monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
        monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
        assert chosen_target().client("codepipeline").meta.config.proxies == {}
        assert local_servers.find_running(local_aws.port) == local_aws

    def test_region_option_is_used(self) -> None:
        assert chosen_target(region="us-west-2").region == "us-west-2"
        assert chosen_target(region="us-west-2", endpoint_url="http://127.0.0.1:9").region == "us-west-2"


@pytest.mark.parametrize("url", ["4566", "localhost:4566", "ftp://127.0.0.1", "http://", "http://a:b"])
def test_malformed_endpoint_is_rejected(url: str) -> None:
    with pytest.raises(UsageError, match="is not an endpoint URL: use one such as http"):
        chosen_target(endpoint_url=url)


def test_local_endpoints() -> None:
    for url in ("http://10.0.0.1", "https://127.0.0.1", "https://[::1]:4566", "https://a.localhost"):
        assert is_local_url(url), url
    for url in ("https://codepipeline.us-east-1.amazonaws.com", "https://10.0.0.1"):
        assert not is_local_url(url), url


def test_environment_variables_for_the_local_aws(local_aws: LocalAws) -> None:
    assert target.local_environment(local_aws) == {
        "AWS_ENDPOINT_URL": local_aws.endpoint_url,
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_DEFAULT_REGION": "us-east-1",
    }


@pytest.mark.parametrize("key", ["test", "local"])
class TestWithCredentialsOfALocalAws:
    @pytest.fixture(autouse=True)
    def _credentials(self, key: str, monkeypatch: pytest.MonkeyPatch, real_credentials: None) -> None:
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", key)
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", key)

    def test_aws_is_not_called(self, key: str) -> None:
        with pytest.raises(UsageError, match=f"AWS_ACCESS_KEY_ID is '{key}', which is for a local AWS"):
            chosen_target()

    def test_local_aws_and_profile_are_used(self, key: str, local_aws: LocalAws) -> None:
        assert chosen_target().local_aws == local_aws
        assert key_of(chosen_target(profile="production")) == "AKIAPROD"
        assert chosen_target(endpoint_url="http://127.0.0.1:1").is_local


@pytest.mark.parametrize(
    ("chosen", "options"),
    [
        (Target(_SESSION, "http://127.0.0.1:4566", "us-east-1", None, True), []),
        (
            Target(_SESSION, "http://127.0.0.1:4567", "us-east-1", None, True),
            ["--endpoint-url http://127.0.0.1:4567"],
        ),
        (Target(_SESSION, None, "eu-west-1", None, False), ["--region eu-west-1"]),
        (
            Target(_SESSION, None, "eu-west-1", "my team", False),
            ["--region eu-west-1", "--profile 'my team'"],
        ),
    ],
)
def test_options_of_a_command_for_the_same_aws(chosen: Target, options: list[str]) -> None:
    assert chosen.command_options == options


def test_client_of_another_region_is_created_once() -> None:
    target = Target(local_session("us-east-1"), "http://127.0.0.1:9", "us-east-1", None, True)
    other = target.client("stepfunctions", "eu-west-1")
    assert other.meta.region_name == "eu-west-1"
    assert target.client("stepfunctions", "eu-west-1") is other
    assert target.client("stepfunctions") is target.client("stepfunctions", "us-east-1") is not other
