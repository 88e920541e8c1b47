# SPDX-License-Identifier: Apache-2.0
"""A mail as whoever reads mail understands it."""

from datetime import UTC, datetime
from email import message_from_bytes, policy

import pytest
from hostile import CORPUS

from osci_jobs.errors import ConfigurationError
from osci_jobs.mail import message
from osci_jobs.mail.message import Letter
from osci_jobs.results.escape import visible

NOW = datetime(2026, 11, 23, 9, 35, 44, tzinfo=UTC)
KEY = "1f" * 16
HEADERS = [
    *("Date", "From", "To", "Subject", "Message-ID", "Auto-Submitted", "MIME-Version"),
    "Content-Type",
]
LONG_ADDRESS = "b" * 64 + "@" + ".".join(["a" * 60] * 3) + ".org"


def build(subject="It got slower", text="slower\n", html="<p>slower</p>\n", to="bob@example.org"):
    letter = Letter("run-1", subject, text, html)
    return message.build("osci@ci.example.org", KEY, to, letter, NOW)


def read(content):
    return message_from_bytes(content, policy=policy.default)


def bodies(content):
    """Return the type and the text of each part, with plain ends of lines."""
    return [
        (part.get_content_type(), part.get_content().replace("\r\n", "\n"))
        for part in read(content).iter_parts()
    ]


def squeezed(text):
    return "".join(text.split())


def test_it_has_text_first_and_then_html():
    content = build(text="slöwer 雲\n", html="<p>slöwer 雲</p>\n")
    assert read(content).get_content_type() == "multipart/alternative"
    assert bodies(content) == [
        ("text/plain", "slöwer 雲\n"),
        ("text/html", "<p>slöwer 雲</p>\n"),
    ]


def test_its_headers_say_what_it_is():
    found = read(build())
    assert list(found) == HEADERS
    assert (found["From"], found["To"]) == ("osci@ci.example.org", "bob@example.org")
    assert (found["Subject"], found["Auto-Submitted"]) == ("It got slower", "auto-generated")
    assert found["Message-ID"] == f"<{KEY}@ci.example.org>"
    assert found["Date"].datetime == NOW


def test_it_crosses_every_network():
    content = build(subject="雲" * 300, text="x" * 5000 + "\nü\n.\nFrom me\n", to=LONG_ADDRESS)
    assert content.isascii()
    assert b"\r" not in content.replace(b"\r\n", b"")
    assert b"\n" not in content.replace(b"\r\n", b"")
    assert max(map(len, content.split(b"\r\n"))) < 998
    assert read(content)["To"].addresses[0].addr_spec == LONG_ADDRESS
    assert bodies(content)[0][1] == "x" * 5000 + "\nü\n.\nFrom me\n"


@pytest.mark.parametrize("text", CORPUS)
def test_a_strangers_text_stays_what_it_is(text):
    content = build(subject=text, text=text, html=text)
    found = read(content)
    assert list(found) == list(read(build()))
    # Where it folds a long word, Python's library may put a space into it.
    shown = message.subject(Letter("run-1", text, "", ""))
    assert squeezed(found["Subject"]) == squeezed(shown)
    assert len(shown) <= message.SUBJECT_CHARACTERS
    assert [body.removesuffix("\n") for _, body in bodies(content)] == [
        visible(text).removesuffix("\n")
    ] * 2


@pytest.mark.parametrize(
    ("subject", "expected"),
    [
        ("a\r\nBcc: eve@example.org", r"a\nBcc: eve@example.org"),
        ("a\nb", r"a\nb"),
        ("=?utf-8?q?=0D=0ABcc:_eve@example.org?=", "= ?utf-8?q?=0D=0ABcc:_eve@example.org?="),
        ("  two  spaces ", "two  spaces"),
        ("ü" * 200, "ü" * 149 + "…"),
        ("", ""),
    ],
)
def test_a_subject_is_one_visible_line(subject, expected):
    assert read(build(subject=subject))["Subject"] == expected


def test_the_same_key_is_the_same_message_id():
    assert read(build(text="a"))["Message-ID"] == read(build(text="b"))["Message-ID"]


def test_what_no_server_would_take_is_refused():
    with pytest.raises(ConfigurationError, match="'run-1' has .* expected 10,485,760 at most"):
        build(text="x" * (11 << 20))
