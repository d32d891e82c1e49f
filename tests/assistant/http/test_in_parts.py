"""Parts of a sound, as players ask for them (RFC 9110)."""

from __future__ import annotations

import pytest

from assistant.http.sound import in_parts

pytestmark = pytest.mark.unit

CONTENT = bytes(range(100))
TAG = '"abc"'


def asked(**headers: str) -> tuple[int, bytes, str]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    answer = in_parts(CONTENT, TAG, "audio/wav", named)
    assert answer.headers["etag"] == TAG
    return answer.status_code, bytes(answer.body), answer.headers.get("content-range", "")


@pytest.mark.parametrize(
    ("span", "status", "content", "told"),
    [
        ("", 200, CONTENT, ""),
        ("bytes=0-", 206, CONTENT, "bytes 0-99/100"),
        ("bytes=10-19", 206, CONTENT[10:20], "bytes 10-19/100"),
        ("bytes=90-1000", 206, CONTENT[90:], "bytes 90-99/100"),
        ("bytes=-5", 206, CONTENT[-5:], "bytes 95-99/100"),
        ("bytes=-500", 206, CONTENT, "bytes 0-99/100"),
        ("bytes=100-", 416, b"", "bytes */100"),
        ("bytes=-0", 416, b"", "bytes */100"),
        ("bytes=9-3", 200, CONTENT, ""),
        ("bytes=-", 200, CONTENT, ""),
        ("bytes=0-1,5-6", 200, CONTENT, ""),
        ("lines=0-1", 200, CONTENT, ""),
        (f"bytes={'9' * 19}-", 200, CONTENT, ""),
        ("bytes=0-\n", 200, CONTENT, ""),
    ],
)
def test_a_span_is_told_and_sent(span: str, status: int, content: bytes, told: str) -> None:
    assert asked(range=span) == (status, content, told)


def test_what_is_known_is_not_sent_again() -> None:
    assert asked(if_none_match=f'"x", W/{TAG}')[:2] == (304, b"")
    assert asked(if_none_match='"x"')[0] == 200


def test_a_span_of_something_else_is_the_whole() -> None:
    assert asked(range="bytes=0-1", if_range='"old"') == (200, CONTENT, "")
    assert asked(range="bytes=0-1", if_range=TAG)[0] == 206


def test_a_look_at_the_head_has_the_length_and_no_content() -> None:
    answer = in_parts(CONTENT, TAG, "audio/wav", {}, head=True)
    assert answer.headers["content-length"] == "100"
    assert answer.body == b""
