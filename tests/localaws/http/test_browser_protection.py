"""Which requests the local AWS refuses because a web page could have sent them."""

from __future__ import annotations

import pytest

from stepline.core.errors import UsageError
from stepline.localaws.http.browser_protection import AllowedPages, protect
from tests.localaws.http.asgi_client import Application, Response, request, scope_of

HOST = ("Host", "127.0.0.1:4566")
OWN_ORIGIN = ("Origin", "http://127.0.0.1:4566")
BROWSER = ("User-Agent", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36")
NOTHING_ALLOWED = AllowedPages()
ALLOWED = AllowedPages.parse(["host.docker.internal"], ["http://localhost:3000"])


def respond(
    *headers: tuple[str, str],
    method: str = "POST",
    query: str = "",
    allowed: AllowedPages = NOTHING_ALLOWED,
    cors: str | None = None,
) -> Response:
    """Return the response of a protected application, which sends the CORS header `cors`."""
    app = Application()
    if cors:
        app.headers = {"Access-Control-Allow-Origin": cors, "Access-Control-Max-Age": "9", "X-Id": "1"}
    response = request(protect(app, allowed), scope_of(method=method, query=query, headers=headers))
    assert app.is_called == (response.status == 200)
    return response


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1:4566", "localhost", "LOCALHOST:80", "[::1]:4566", "bucket.localhost:4566", "a.127.0.0.1"],
)
def test_loopback_name_is_served(host: str) -> None:
    assert respond(("Host", host)).status == 200


@pytest.mark.parametrize(
    "host",
    [
        "attacker.example:4566",
        "host.docker.internal:4566",
        "127.0.0.1.attacker.example",
        "localhost.attacker.example",
        "notlocalhost",
        "10.0.0.1:4566",
        "[fe80::1]:4566",
        "localhost.",
    ],
)
def test_other_name_is_refused(host: str) -> None:
    response = respond(("Host", host))
    assert response.status == 403
    assert b"127.0.0.1 or localhost" in response.body


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [HOST, HOST],
        [HOST, ("Host", "attacker.example")],
        [("Host", "")],
        [("Host", "local host")],
        [("Host", "localhost:port")],
        [("Host", "user@localhost")],
        [("Host", "localhost/path")],
        [("Host", f"{'a' * 300}.localhost")],
        [("Host", "löcalhost")],
    ],
)
def test_missing_or_invalid_or_repeated_host_is_refused(headers: list[tuple[str, str]]) -> None:
    response = respond(*headers)
    assert response.status == 403
    assert b"one Host header" in response.body


def test_error_names_the_option_that_allows_the_host() -> None:
    body = respond(("Host", "host.docker.internal:4566")).body
    assert body.count(b"\n") == 1
    assert b"`stepline up --allow-host host.docker.internal`" in body


@pytest.mark.parametrize("host", ["host.docker.internal:4566", "bucket.Host.Docker.Internal"])
def test_allowed_name_is_served(host: str) -> None:
    assert respond(("Host", host), allowed=ALLOWED).status == 200


def test_other_name_is_refused_beside_an_allowed_one() -> None:
    assert respond(("Host", "xhost.docker.internal"), allowed=ALLOWED).status == 403


@pytest.mark.parametrize(
    "origin",
    [
        "null",
        "http://attacker.example",
        "http://attacker.example:4566",
        "http://127.0.0.1:4567",
        "http://localhost:4566",  # the same server by another name: another origin for a browser
        "https://127.0.0.1:4566",
        "http://127.0.0.1:4566, http://attacker.example",
        "chrome-extension://abcdef",
        "",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS", "PUT"])
def test_foreign_origin_is_refused(origin: str, method: str) -> None:
    response = respond(HOST, ("Origin", origin), ("Sec-Fetch-Site", "same-origin"), method=method)
    assert response.status == 403
    assert b"may not use the local AWS" in response.body


def test_repeated_origin_is_refused() -> None:
    assert respond(HOST, ("Origin", "http://localhost:3000"), OWN_ORIGIN, allowed=ALLOWED).status == 403


@pytest.mark.parametrize("site", ["cross-site", "same-site", "unknown", ""])
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
def test_request_from_another_site_is_refused(site: str, method: str) -> None:
    assert respond(HOST, ("Sec-Fetch-Site", site), method=method).status == 403


@pytest.mark.parametrize("site", ["none", "same-origin"])
def test_user_may_open_an_address(site: str) -> None:
    headers = [HOST, BROWSER, ("Sec-Fetch-Site", site), ("Sec-Fetch-Mode", "navigate")]
    assert respond(*headers, method="GET", query="list-type=2").status == 200


@pytest.mark.parametrize("site", ["none", "same-origin"])
@pytest.mark.parametrize(
    ("method", "query"),
    [("POST", ""), ("PUT", ""), ("DELETE", ""), ("OPTIONS", ""), ("GET", "Action=CreateStack")],
)
def test_browser_only_reads(site: str, method: str, query: str) -> None:
    """A link in an e-mail opens like an entered address, and the query protocol accepts GET requests."""
    response = respond(HOST, BROWSER, ("Sec-Fetch-Site", site), method=method, query=query)
    assert response.status == 403
    assert b"may only read" in response.body


@pytest.mark.parametrize("query", ["%41ction=X", "a=b&Action=X", "Action", "Action="])
def test_any_spelling_of_action_is_refused(query: str) -> None:
    assert respond(HOST, ("Sec-Fetch-Site", "none"), method="GET", query=query).status == 403


def test_page_of_this_server_only_reads() -> None:
    same_origin = ("Sec-Fetch-Site", "same-origin")
    assert respond(HOST, OWN_ORIGIN, same_origin, method="GET").status == 200
    assert respond(HOST, OWN_ORIGIN, same_origin, method="POST").status == 403


def test_browser_without_fetch_metadata_is_refused() -> None:
    """Browsers omit it for names that are not loopback, and then send a simple GET without any mark."""
    assert respond(HOST, BROWSER, method="GET").status == 403
    assert respond(("Host", "host.docker.internal"), BROWSER, method="GET", allowed=ALLOWED).status == 403


@pytest.mark.parametrize(
    "agent", ["aws-cli/2.30.0", "Boto3/1.43.106 md/Botocore", "git/2.39.5", "curl/8.14", "node"]
)
def test_client_that_is_not_a_browser_is_served(agent: str) -> None:
    headers = [HOST, ("User-Agent", agent), ("Sec-Fetch-Mode", "cors")]  # Node.js sends this mode
    assert respond(*headers, query="Action=CreateStack").status == 200


@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS"])
@pytest.mark.parametrize("site", ["same-site", "cross-site"])
def test_allowed_origin_is_served(method: str, site: str) -> None:
    headers = [HOST, BROWSER, ("Origin", "http://localhost:3000"), ("Sec-Fetch-Site", site)]
    assert respond(*headers, method=method, allowed=ALLOWED).status == 200


def test_allowed_origin_does_not_allow_a_host() -> None:
    headers = [("Host", "attacker.example"), ("Origin", "http://localhost:3000")]
    assert respond(*headers, allowed=ALLOWED).status == 403


def test_cors_for_everyone_is_removed() -> None:
    assert respond(HOST, cors="*").headers == [("X-Id", "1")]


def test_cors_for_everyone_becomes_cors_for_the_allowed_origin() -> None:
    headers = respond(HOST, ("Origin", "http://localhost:3000"), allowed=ALLOWED, cors="*").headers
    assert ("access-control-allow-origin", "http://localhost:3000") in headers
    assert ("Access-Control-Max-Age", "9") in headers
    assert ("vary", "Origin") in headers
    assert "*" not in [value for _, value in headers]


def test_cors_of_an_application_is_kept() -> None:
    headers = respond(HOST, cors="https://app.example.com").headers
    assert ("Access-Control-Allow-Origin", "https://app.example.com") in headers


@pytest.mark.parametrize("origin", ["http://attacker.example", "http://127.0.0.1:4566"])
def test_websocket_of_a_page_is_closed(origin: str) -> None:
    scope = scope_of(headers=[HOST, ("Origin", origin), ("Sec-Fetch-Site", "same-origin")])
    app = Application()
    assert request(protect(app, AllowedPages()), {**scope, "type": "websocket"}).status == 403
    assert not app.is_called


@pytest.mark.parametrize(
    ("headers", "media_type", "start"),
    [
        ([("X-Amz-Target", "AWSStepFunctions.ListStateMachines")], "application/x-amz-json-1.1", b"{"),
        ([("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")], "text/xml", b"<Error"),
        ([("Authorization", "AWS4-HMAC-SHA256 Credential=a/1/r/s3/aws4_request")], "text/xml", b"<Error"),
        ([], "text/plain; charset=utf-8", b"the local AWS does not serve"),
    ],
)
def test_error_has_the_format_of_the_protocol(
    headers: list[tuple[str, str]], media_type: str, start: bytes
) -> None:
    response = respond(("Host", "attacker.example"), *headers)
    assert ("content-type", media_type) in response.headers
    assert response.body.startswith(start)


def test_error_does_not_repeat_markup() -> None:
    origin = "http://<script>"
    response = respond(HOST, ("Origin", origin), ("Content-Type", "application/x-www-form-urlencoded"))
    assert b"script" not in response.body


@pytest.mark.parametrize("name", ["", "*", "http://a", "a:80", "a b", "-", ".example.com", "a/b", "a" * 254])
def test_host_that_is_not_a_name_is_not_accepted_as_option(name: str) -> None:
    with pytest.raises(UsageError, match="write a name without port"):
        AllowedPages.parse([name], [])


@pytest.mark.parametrize("origin", ["", "*", "null", "localhost:3000", "http://a/", "http://a/b", "http://"])
def test_value_that_is_not_an_origin_is_not_accepted_as_option(origin: str) -> None:
    with pytest.raises(UsageError, match="write scheme, host and port"):
        AllowedPages.parse([], [origin])
