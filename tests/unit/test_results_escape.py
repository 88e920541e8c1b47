# SPDX-License-Identifier: Apache-2.0
"""Tests of what makes a stranger's text visible."""

import sys
from xml.etree import ElementTree

import pytest

from osci_jobs.results.escape import clip, clip_middle, visible, visible_line


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain ünïcode 雲 😀", "plain ünïcode 雲 😀"),
        ("a\x00b", r"a\x00b"),
        ("\x1b[31mred\x1b[0m", r"\x1b[31mred\x1b[0m"),
        ("\x9b31m", r"\x9b31m"),
        ("lone \ud800 surrogate", r"lone \ud800 surrogate"),
        ("abc\u202efdp.exe", r"abc\u202efdp.exe"),
        ("\u2066x\u2069", r"\u2066x\u2069"),
        ("\U0001fffe", r"\U0001fffe"),
        ("tab\tand\nline", "tab\tand\nline"),
        ("dos\r\nline", "dos\nline"),
        ("over\rwritten", r"over\rwritten"),
        (r"C:\x00", r"C:\x00"),
    ],
)
def test_text_becomes_visible(text, expected):
    assert visible(text) == expected


def test_every_character_that_is_left_is_legal_in_xml():
    everything = "".join(map(chr, range(sys.maxunicode + 1)))
    left = visible(everything)
    element = ElementTree.Element("x")
    element.text = left
    assert ElementTree.fromstring(ElementTree.tostring(element, "utf-8")).text == left


def test_it_is_safe_to_repeat():
    everything = "".join(map(chr, range(sys.maxunicode + 1)))
    assert visible(visible(everything)) == visible(everything)


def test_a_line_stays_one_line():
    assert visible_line("a\nb\tc\u2028d\x85e") == r"a\nb\tc\u2028d\x85e"


def test_a_cut_shows():
    assert clip("abcdef", 6) == "abcdef"
    assert clip("abcdefg", 6) == "abcde…"


def test_a_cut_in_the_middle_counts_what_is_left_out():
    assert clip_middle("abcdefgh", 4) == "ab\n[… 4 characters left out …]\ngh"
    assert clip_middle("abcd", 4) == "abcd"
