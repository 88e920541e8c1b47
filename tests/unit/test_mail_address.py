# SPDX-License-Identifier: Apache-2.0
"""Which addresses osci mails."""

import pytest
from hostile import CORPUS

from osci_jobs.errors import ConfigurationError
from osci_jobs.mail import address

LONG = "b" * 64 + "@" + ".".join(["a" * 60] * 3) + ".org"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("bob@example.org", "bob@example.org"),
        ("Bob.O'Hara+ci@Example.ORG", "Bob.O'Hara+ci@example.org"),
        ("root@localhost", "root@localhost"),
        ("bob@xn--bcher-kva.example", "bob@xn--bcher-kva.example"),
        (LONG, LONG),
    ],
)
def test_an_address_is_taken_with_its_domain_in_lower_case(text, expected):
    assert address.parse(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        *("", "bob", "@", "bob@", "@example.org", "a@b@example.org", ".a@b.org", "a..b@b.org"),
        *("bob@example.org\n", "bob\r\nBcc: eve@example.org", "bob@example.org\r\nBcc: x@y"),
        *("bob@example.org,eve@example.org", "bob@example.org eve@example.org", "a;b@c.org"),
        *("Bob <bob@example.org>", "<bob@example.org>", '"Bob" <bob@example.org>', "bob@(x)b.org"),
        *('"bob\x00"@example.org', '"bob eve"@example.org', "bob\x00@example.org", "b\x1b@c.org"),
        *("bob@[127.0.0.1]", "bob@127.0.0.1", "bob@example.org.", "bob@-x.org", "bob@x_y.org"),
        *("bücher@example.org", "bob@bücher.example", "bob@example.org\u2028", "bob\u202e@b.org"),
        *("b" * 65 + "@example.org", LONG + "g" * 20, "bob@" + "a" * 64 + ".org"),
        *("team: a@b.org, c@d.org;", "bob@example.org>", "%s@", "\ud800@example.org"),
    ],
)
def test_what_is_no_plain_address_is_named_and_what_was_expected(text):
    with pytest.raises(ConfigurationError, match="expected one address like bob@example.org") as e:
        address.parse(text)
    assert str(e.value).isprintable()


@pytest.mark.parametrize("text", CORPUS)
def test_no_hostile_text_is_an_address(text):
    assert not address.is_address(text)
    assert not address.is_address(f"{text}@example.org") or text.isprintable()
    assert not address.is_address(f"bob@{text}") or address.is_domain(text)


def test_all_that_are_none_are_told_at_once():
    with pytest.raises(ConfigurationError) as e:
        address.parse_all(["bob", "bob@example.org", "eve\n@example.org"])
    assert len(str(e.value).splitlines()) == 2
