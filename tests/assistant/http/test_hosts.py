"""Pages of other sites, other names for this machine, and what a browser may do with an answer."""

from __future__ import annotations

import socket
import time
from pathlib import Path

import httpx
import pytest

from tests.assistant.http.daemon import Daemon, Raw, answer, head
from tests.assistant.http.test_doors import refused, signed

pytestmark = pytest.mark.model

OURS = [
    "localhost",
    "LOCALHOST",
    "127.0.0.1",
    "[::1]",
    "localhost.",
    "localhost:80",
    "127.0.0.1:1",
    socket.gethostname(),
]

FOREIGN = [
    "evil.example", "evil.example:8420", "localhost.evil.example", "evil.example.localhost", "127.0.0.1.nip.io",
    "localhost:8420@evil.example", "localhost@evil.example", "evil.example#localhost", "evil.example/localhost",
    "localhost/evil", "localhost?evil", "localhost:evil", "localhost:99999", "localhost:-1", "[::1", "::1]", "[::2]",
    "[evil.example]", "0.0.0.0", "127.1", "2130706433", "0x7f.1", "127.0.0.2", "", " ", ",", "localhost,evil.example",
    "localhost evil.example", "xn--localhost", "localhost\\evil.example", "localhost%00", "local\thost",
]  # fmt: skip
"""What a browser may have been led to believe that we are called (DNS rebinding), and tricks with the port."""


@pytest.mark.parametrize("host", OURS)
@pytest.mark.parametrize("path", ["/healthz", "/", "/openapi.json"])
def test_the_machine_answers_to_its_own_names(daemon: Daemon, host: str, path: str) -> None:
    assert daemon.raw(head("GET", path, host)).status == 200


@pytest.mark.parametrize("host", FOREIGN)
def test_it_answers_to_no_other_name(daemon: Daemon, host: str) -> None:
    for path in ("/", "/healthz", "/openapi.json", "/api/session", "/api/turns"):
        found = daemon.raw(head("GET", path, host, Authorization=f"Bearer {daemon.admin}"))
        if found.status != 400:  # no host at all, for the parser
            refused(found, 421, "host")
        secure(found)


@pytest.mark.parametrize(
    "lines",
    [
        [],
        ["Host: localhost", "Host: evil.example"],
        ["Host: evil.example", "Host: localhost"],
        ["Host: localhost", "Host: localhost"],
        ["Host : localhost"],
        ["Host: evil.example", "X-Forwarded-Host: localhost"],
        ["Host: localhost", " evil.example"],
    ],
)
@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_a_request_with_no_host_or_with_two_is_refused(daemon: Daemon, lines: list[str], version: str) -> None:
    request = "\r\n".join([f"GET /healthz HTTP/{version}", *lines, "", ""])
    found = daemon.raw(request)
    assert found.status in {400, 421}
    assert b"ok" not in found.body
    secure(found)


@pytest.mark.parametrize(
    "target",
    ["http://evil.example/healthz", "http://localhost/api/turns", "//evil.example/healthz", "evil.example:443", "*"],
)
def test_a_target_that_is_no_path_leads_nowhere(daemon: Daemon, target: str) -> None:
    for method in ("GET", "OPTIONS", "CONNECT"):
        found = daemon.raw(head(method, target))
        assert found.status in {400, 401, 404, 405}
        secure(found)


def cookie(daemon: Daemon) -> str:
    return signed(daemon.admin, time.time() + 12 * 3600)


def csrf(daemon: Daemon) -> str:
    found = daemon.anybody.get("/api/session", headers={"Cookie": cookie(daemon)}).json()["csrf"]
    assert found
    return str(found)


CROSS_SITE = [
    {"Origin": "http://evil.example", "Sec-Fetch-Site": "cross-site"},
    {"Origin": "http://evil.example"},
    {"Origin": "null"},
    {"Origin": "http://localhost.evil.example"},
    {"Origin": "http://evil.example/localhost"},
    {"Origin": "http://localhost@evil.example"},
    {"Origin": "localhost"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Origin": "http://127.0.0.1:3000", "Sec-Fetch-Site": "same-site"},
]


FORMS = ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"]


@pytest.mark.parametrize("headers", CROSS_SITE, ids=str)
@pytest.mark.parametrize("enctype", [*FORMS, "application/json"])
def test_a_page_of_another_site_sends_nothing(daemon: Daemon, headers: dict[str, str], enctype: str) -> None:
    """Neither a form nor a script, whatever it knows."""
    body = b'{"token": "' + daemon.admin.encode() + b'", "a": "="}'
    for path, more in (
        ("/api/say", {"Cookie": cookie(daemon), "X-CSRF-Token": csrf(daemon)}),
        ("/api/say", {"Authorization": f"Bearer {daemon.admin}"}),
        ("/api/session", {}),
    ):
        found = daemon.anybody.post(path, headers={**headers, **more, "Content-Type": enctype}, content=body)
        refused(found, 403, "csrf")
        assert "set-cookie" not in found.headers


@pytest.mark.parametrize(
    "enctype", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"]
)
def test_a_form_s_body_is_not_taken_for_json(daemon: Daemon, enctype: str) -> None:
    """Also from a browser too old to tell where a page is from."""
    content = b'{"text": "Hello."}'
    for path in ("/api/say", "/api/conversation", "/api/voice/synthesize", "/v1/audio/speech"):
        found = daemon.owner.post(path, headers={"Content-Type": enctype}, content=content)
        assert found.status_code in {400, 415, 422}
    found = daemon.anybody.post(
        "/api/session", headers={"Content-Type": enctype}, content=f'{{"token": "{daemon.admin}"}}'.encode()
    )
    assert found.status_code in {400, 415, 422}
    assert daemon.admin not in found.text
    assert not [event for event in daemon.events if event.get("text") == "Hello."]


def test_a_script_of_the_panel_needs_the_cookie_and_the_header(daemon: Daemon) -> None:
    ours = {"Origin": daemon.address, "Sec-Fetch-Site": "same-origin", "Cookie": cookie(daemon)}
    refused(daemon.anybody.post("/api/stop", headers=ours), 403, "csrf")
    assert daemon.anybody.post("/api/stop", headers={**ours, "X-CSRF-Token": csrf(daemon)}).status_code == 202


def test_no_site_is_ever_let_in(daemon: Daemon) -> None:
    """There is no CORS: neither a preflight nor an answer names another origin."""
    for method in ("GET", "POST", "OPTIONS"):
        for path in ("/api/session", "/api/turns", "/healthz", "/openapi.json", "/", "/panel/style.css", "/v1/models"):
            found = daemon.anybody.request(
                method, path,
                headers={"Origin": "http://evil.example", "Access-Control-Request-Method": "POST",
                         "Access-Control-Request-Headers": "authorization,x-csrf-token"},
            )  # fmt: skip
            secure(found)
            assert method != "OPTIONS" or found.status_code >= 400


HEADERS = {
    "content-security-policy": "frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=()",
    "cache-control": "",
}
"""What each must hold."""


def secure(found: httpx.Response | Raw) -> None:
    """Whatever it says, a browser can do no harm with it."""
    for name, part in HEADERS.items():
        assert part in found.headers[name], name
    assert "unsafe" not in found.headers["content-security-policy"]
    assert not [name for name in found.headers if name.lower().startswith("access-control-")]
    assert "server" not in found.headers
    assert "x-powered-by" not in found.headers


def test_every_kind_of_answer_has_the_headers(daemon: Daemon) -> None:
    json = {"Content-Type": "application/json"}
    kinds = {
        200: daemon.owner.get("/api/turns"), 202: daemon.owner.post("/api/stop"),
        204: daemon.anybody.get("/api/session"),
        401: daemon.anybody.get("/api/turns"), 403: daemon.screen.get("/api/turns"), 404: daemon.owner.get("/nothing"),
        405: daemon.owner.delete("/api/turns"), 415: daemon.owner.post("/api/conversation", content=b"x"),
        422: daemon.owner.post("/api/say", content=b"{", headers=json),
        413: daemon.owner.post("/api/say", content=b" " * 1_000_001, headers=json),
        421: daemon.anybody.get("/", headers={"Host": "evil.example"}),
    }  # fmt: skip
    for status, found in kinds.items():
        assert found.status_code == status
        secure(found)
    page = daemon.anybody.get("/")
    secure(page)
    again = daemon.anybody.get("/", headers={"If-None-Match": page.headers["etag"]})
    assert again.status_code == 304
    secure(again)
    sound = daemon.owner.post("/api/voice/synthesize", json={"text": "Hello."})
    assert (sound.status_code, sound.headers["content-type"]) == (200, "audio/wav")
    secure(sound)
    assert sound.headers["cache-control"] == "no-store"
    with daemon.owner.stream("GET", "/api/events") as stream:
        secure(stream)


@pytest.mark.parametrize(
    "request_",
    [
        "nonsense\r\n\r\n",
        "GET / HTTP/9.9\r\nHost: localhost\r\n\r\n",
        "GET /%zz HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: x\r\n\r\n",
        f"GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: {'9' * 5000}\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: localhost\r\nA: \x00\r\n\r\n",
        f"GET / HTTP/1.1\r\nHost: localhost\r\nA: {'a' * 70_000}\r\n\r\n",
    ],
    ids=range(7),
)
def test_what_is_no_request_is_refused_politely(daemon: Daemon, request_: str) -> None:
    found = daemon.raw(request_)
    assert found.status in {200, 400, 401}
    secure(found)


def test_nonsense_after_an_answer_ends_the_connection(daemon: Daemon) -> None:
    """The answer is there before the body, whose chunks are none."""
    with daemon.connect() as connection:
        connection.sendall(head("POST", "/api/turns", Transfer_Encoding="chunked").encode())
        assert answer(connection).status == 401
        connection.sendall(b"nonsense\r\n\r\n")
        assert connection.recv(100) == b""
    authorization = {"Authorization": f"Bearer {daemon.admin}"}
    json = {"Content-Type": "application/json"}
    with daemon.connect() as connection:
        connection.sendall(head("POST", "/api/say", Transfer_Encoding="chunked", **authorization, **json).encode())
        connection.sendall(b'5\r\n{"te\r\nnonsense\r\n\r\n')
        assert answer(connection).status == 400
    log = daemon.log
    assert "Fatal error" not in log
    assert "LocalProtocolError" not in log


def test_two_requests_cannot_be_read_out_of_one(daemon: Daemon) -> None:
    """Request smuggling: a length and chunks at once."""
    inner = head("GET", "/api/turns", Authorization=f"Bearer {daemon.admin}")
    outer = head("POST", "/api/session", Content_Length=str(5 + len(inner)), Transfer_Encoding="chunked",
                 Content_Type="application/json")  # fmt: skip
    with daemon.connect() as connection:
        connection.sendall(f"{outer}0\r\n\r\n{inner}".encode())
        first = answer(connection)
    assert first.status in {400, 422}
    assert b'"turns"' not in first.body


TRAVERSALS = ["..", "../..", "..%2f..", "%2e%2e%2f", "..%252f..", "..%5c..", "..%c0%af..", "....//....//", "%00", ".",
              "%2fetc%2fpasswd", "..%2f..%2f..%2fdata%2fadmin-token", "/etc/passwd", "~", "C:%5c"]  # fmt: skip


@pytest.mark.parametrize("part", TRAVERSALS)
def test_no_path_leads_to_other_files(daemon: Daemon, part: str) -> None:
    """As bytes: a client would put such paths in order before it sends them."""
    authorization = {"Authorization": f"Bearer {daemon.admin}"}
    for target in (
        f"/panel/{part}/server.py", f"/panel/{part}", f"/panel/views/{part}/admin-token", f"/api/audio/{part}",
        f"/api/jobs/{part}", f"/api/admin/ai-personalities/{part}", f"/api/admin/ai-personalities/{part}/voice/sample",
        f"/api/admin/ai-personalities/{part}/voice", f"/v1/models/{part}", f"/{part}",
    ):  # fmt: skip
        found = daemon.raw(head("GET", target, **authorization))
        assert found.status in {400, 404} or (found.status == 200 and found.body == daemon.anybody.get("/").content), (
            target
        )
        assert daemon.admin.encode() not in found.body
        assert b"root:" not in found.body
        assert b"import" not in found.body[:2000]
        secure(found)
    pulled = daemon.raw(head("POST", f"/api/models/{part}/pull", Content_Length="0", **authorization))
    assert pulled.status in {400, 404}


def test_names_of_uploaded_files_lead_nowhere(daemon: Daemon) -> None:
    for name in ("../../evil.wav", "/etc/evil.wav", "..\\evil.wav", "a\x00b.wav", "é" * 300 + ".wav"):
        found = daemon.owner.post("/api/voice/transcribe", files={"file": (name, b"no sound", "audio/wav")})
        assert found.status_code == 422
        assert "evil" not in found.text
    for folder in (daemon.folder, daemon.folder.parent, Path("/tmp"), Path("/etc")):
        assert not list(folder.glob("*evil*"))
    assert not list(daemon.folder.rglob("*evil*"))
