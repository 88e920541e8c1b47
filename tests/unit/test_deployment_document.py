# SPDX-License-Identifier: Apache-2.0
"""Positions in JSON, and values shown so that they harm nothing."""

import json

import pytest

from osci_jobs.deployment import document, faults

TEXT = r"""{"a": [1, {"b\"}": "x]", "c": []}, -2.5e3],
 "": {},
 "d" : null , "e":"\\" }"""


def iter_paths(value, path=()):
    yield path, value
    if isinstance(value, dict | list):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for step, item in items:
            yield from iter_paths(item, (*path, step))


def test_each_value_stands_where_the_document_says():
    parsed = document.parse("x", TEXT)
    paths = dict(iter_paths(json.loads(TEXT)))
    assert parsed.value == paths[()]
    assert set(parsed.values) == set(paths)
    for path, offset in parsed.values.items():
        assert json.JSONDecoder().raw_decode(TEXT, offset)[0] == paths[path]


def test_each_key_stands_where_the_document_says():
    parsed = document.parse("x", TEXT)
    assert len(parsed.keys) == 6
    for path, offset in parsed.keys.items():
        assert json.JSONDecoder().raw_decode(TEXT, offset)[0] == path[-1]


def test_places_count_from_one_and_a_missing_value_has_that_of_its_holder():
    parsed = document.parse("x", TEXT)
    assert document.where(parsed, ()) == "x:1:1"
    assert document.where(parsed, ("d",)) == "x:3:8"
    assert document.where(parsed, ("d",), at_key=True) == "x:3:2"
    assert document.where(parsed, ("a", 1, "none", "deeper")) == "x:1:11"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("a", '"a"'),
        (None, "null"),
        (1.5, "1.5"),
        ({"password": "secret"}, "an object"),
        (["secret"], "a list of 1"),
        ("\x1b\n\u202e\u00e9", '"\\u001b\\n\\u202e\\u00e9"'),
        ("x" * 61, '"' + "x" * 56 + "..."),
        ("mysql://u:p@h", '"mysql://***@h"'),
    ],
)
def test_a_shown_value_is_short_printable_and_without_passwords(value, shown):
    assert faults.show(value) == shown


@pytest.mark.parametrize(
    ("text", "blanked"),
    [
        ("mysql://u:p@h/d", "mysql://***@h/d"),
        ("mysql://u:p@p/p:p@h", "mysql://***@h"),
        ("mysql:/u:p@h", "mysql:/***@h"),
        ("u:p@h", "u:***@h"),
        ("mysql://u:p", "mysql://u:***"),
        ("mysql://h/d?password=p", "mysql://h/d?***"),
        ("bob@example.org", "bob@example.org"),
        ("plain: text", "plain: text"),
    ],
)
def test_passwords_are_blanked_in_broken_urls_too(text, blanked):
    assert faults.blank(text) == blanked


def test_odd_keys_are_quoted_in_paths():
    assert faults.dotted(("host", 0, "a b", "\x1b")) == '$.host[0]["a b"]["\\u001b"]'
