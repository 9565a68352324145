"""Which AWS is meant, and that real credentials never go to a local one."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest

from stepline.aws import local_servers, target
from stepline.aws.local_servers import LocalAws
from stepline.aws.target import Target, TargetOptions, choose, is_local_url
from stepline.core.errors import UsageError
from tests.cli.conftest import Stepline


@pytest.fixture
def real_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """Credentials and a region for AWS, and a profile `production`."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAREAL")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "real-secret")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "real-token")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    Path(os.environ["AWS_CONFIG_FILE"]).write_text("[profile production]\nregion = eu-central-1\n")
    Path(os.environ["AWS_SHARED_CREDENTIALS_FILE"]).write_text(
        "[production]\naws_access_key_id = AKIAPROD\naws_secret_access_key = prod-secret\n"
    )


class Health(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = json.dumps({"status": "ready", "pid": os.getpid()}).encode()
        self.send_response(200)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_args: object) -> None:
        pass


@pytest.fixture
def local_aws(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[LocalAws]:
    """One that answers on what is the standard port for this test."""
    server = HTTPServer(("127.0.0.1", 0), Health)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    monkeypatch.setattr(target, "DEFAULT_PORT", server.server_port)
    local_aws = LocalAws(os.getpid(), server.server_port, "us-east-1", tmp_path, "now", None)
    local_servers.save(local_aws)
    yield local_aws
    server.shutdown()
    server.server_close()
    thread.join()


def key_of(chosen: Target) -> str:
    credentials = chosen.session.get_credentials()
    assert credentials is not None
    return credentials.access_key


def of(**options: str) -> Target:
    return choose(TargetOptions(**options), os.environ)


@pytest.mark.usefixtures("real_credentials")
class TestWithRealCredentials:
    def test_aws_by_boto3s_own_rules(self) -> None:
        chosen = of()
        assert (chosen.endpoint_url, chosen.is_local, key_of(chosen)) == (None, False, "AKIAREAL")
        assert str(chosen) == "AWS, eu-west-1"

    def test_a_local_aws_that_runs_is_preferred_and_gets_made_up_credentials(
        self, local_aws: LocalAws
    ) -> None:
        chosen = of()
        assert (chosen.endpoint_url, chosen.local_aws) == (local_aws.endpoint_url, local_aws)
        assert (key_of(chosen), chosen.region) == ("local", "us-east-1")
        assert str(chosen) == f"local AWS at {local_aws.endpoint_url}"

    def test_a_profile_means_aws_even_while_a_local_one_runs(self, local_aws: LocalAws) -> None:
        chosen = of(profile="production")
        assert (chosen.endpoint_url, key_of(chosen)) == (None, "AKIAPROD")
        assert str(chosen) == "AWS, eu-west-1, profile production"  # boto3: AWS_DEFAULT_REGION goes first

    @pytest.mark.parametrize("url", ["http://127.0.0.1:9", "https://localhost:9", "http://stepline:4566"])
    def test_a_local_address_gets_made_up_credentials(
        self, monkeypatch: pytest.MonkeyPatch, url: str
    ) -> None:
        assert key_of(of(endpoint_url=url)) == "local"
        monkeypatch.setenv("AWS_ENDPOINT_URL", url)
        assert (key_of(of()), of().endpoint_url) == ("local", url)

    def test_what_is_said_goes_before_the_environment(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
        assert of(endpoint_url="http://127.0.0.1:2").endpoint_url == "http://127.0.0.1:2"

    def test_an_address_of_aws_gets_the_users_credentials(self) -> None:
        chosen = of(endpoint_url="https://vpce-1.codepipeline.eu-west-1.vpce.amazonaws.com")
        assert (chosen.is_local, key_of(chosen)) == (False, "AKIAREAL")

    def test_an_address_and_a_profile_together_are_no_accident(self) -> None:
        assert key_of(of(endpoint_url="http://127.0.0.1:9", profile="production")) == "AKIAPROD"

    def test_a_profile_with_an_endpoint_of_its_own(self) -> None:
        with Path(os.environ["AWS_CONFIG_FILE"]).open("a") as stream:
            stream.write("[default]\nendpoint_url = http://127.0.0.1:9\n")
        chosen = of()
        assert (chosen.endpoint_url, key_of(chosen)) == ("http://127.0.0.1:9", "local")

    def test_a_wrong_profile_in_the_environment_does_not_matter_locally(
        self, monkeypatch: pytest.MonkeyPatch, local_aws: LocalAws
    ) -> None:
        monkeypatch.setenv("AWS_PROFILE", "gone")
        assert of().client("codepipeline").meta.endpoint_url == local_aws.endpoint_url

    def test_no_proxy_comes_between(self, monkeypatch: pytest.MonkeyPatch, local_aws: LocalAws) -> None:
        monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
        monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
        assert of().client("codepipeline").meta.config.proxies == {}
        assert local_servers.running(local_aws.port) == local_aws

    def test_the_region_can_be_said(self) -> None:
        assert of(region="us-west-2").region == "us-west-2"
        assert of(region="us-west-2", endpoint_url="http://127.0.0.1:9").region == "us-west-2"


def test_down_does_not_stop_what_it_did_not_start(stepline: Stepline, local_aws: LocalAws) -> None:
    local_servers.forget(local_aws.port)
    result = stepline("down", "--port", str(local_aws.port))
    assert result.exit_code == 1
    assert "was not started by `stepline up`: stop it where it was started" in result.stderr
    assert local_servers.health(local_aws.port)["status"] == "ready"


def test_options_before_and_after_the_command(stepline: Stepline) -> None:
    url = "http://127.0.0.1:9"
    assert stepline("--endpoint-url", url, "status").stderr.startswith(f"stepline: local AWS at {url}\n")
    assert stepline("status", "--endpoint-url", url).stderr.startswith(f"stepline: local AWS at {url}\n")


def test_nobody_answers(stepline: Stepline) -> None:
    result = stepline("status", "--endpoint-url", "http://127.0.0.1:9")
    assert result.exit_code == 1
    assert result.stderr.splitlines()[1:] == [
        "stepline: nothing answers at http://127.0.0.1:9: "
        "start it with `stepline up`, or unset AWS_ENDPOINT_URL"
    ]


def test_neither_region_nor_local_aws(stepline: Stepline) -> None:
    result = stepline("status")
    assert result.exit_code == 1
    assert "neither a local AWS nor a region was found: start one with `stepline up`" in result.stderr


def test_no_credentials(stepline: Stepline) -> None:
    result = stepline("status", "--region", "us-east-1")
    assert result.exit_code == 1
    assert "no AWS credentials were found, and no local AWS runs" in result.stderr


def test_an_unknown_profile(stepline: Stepline) -> None:
    result = stepline("status", "--profile", "gone")
    assert (result.exit_code, result.stderr) == (
        1,
        "stepline: The config profile (gone) could not be found: see `aws configure list-profiles`\n",
    )


@pytest.mark.parametrize("url", ["4566", "localhost:4566", "ftp://127.0.0.1", "http://", "http://a:b"])
def test_a_malformed_address(url: str) -> None:
    with pytest.raises(UsageError, match="is no endpoint: give an address such as http"):
        of(endpoint_url=url)


def test_what_counts_as_local() -> None:
    for url in ("http://10.0.0.1", "https://127.0.0.1", "https://[::1]:4566", "https://a.localhost"):
        assert is_local_url(url), url
    for url in ("https://codepipeline.us-east-1.amazonaws.com", "https://10.0.0.1"):
        assert not is_local_url(url), url


def test_what_a_shell_needs_for_the_local_aws(local_aws: LocalAws) -> None:
    assert target.local_environment(local_aws) == {
        "AWS_ENDPOINT_URL": local_aws.endpoint_url,
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
