# SPDX-License-Identifier: Apache-2.0
"""Text of a stranger, made visible: the same for XML, HTML and a terminal."""

import re

# What XML 1.0 forbids (C0 controls, surrogates, U+FFFE and U+FFFF), and what is
# legal there and yet does harm: C1 controls and DEL (with ESC they drive a
# terminal), bidi controls (https://trojansource.codes), line separators,
# the byte order mark, invisible tags, and the non-characters that junit-xml drops.
_INVISIBLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff"
    "\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ufdd0-\ufdef\ufffe\uffff\U000e0000-\U000e007f"
    + "".join(chr(plane << 16 | last) for plane in range(1, 17) for last in (0xFFFE, 0xFFFF))
    + "]"
)
_LINE = str.maketrans({"\n": r"\n", "\t": r"\t"})


def visible(text: str) -> str:
    """Return `text` with each invisible or illegal character written as an escape.

    They become \\x1b, \\u202e, \\ud800 or \\U0001fffe; newline and tab stay, and a
    carriage return before a newline goes. Safe to repeat.
    """
    return _INVISIBLE.sub(_escape, text.replace("\r\n", "\n"))


def visible_line(text: str) -> str:
    """Return `text` as `visible` does, on one line: newline and tab are escaped too."""
    return visible(text).translate(_LINE)


def clip(text: str, limit: int) -> str:
    """Return the first characters of `text`, at most `limit`; a cut ends with '…'."""
    return text if len(text) <= limit else text[: limit - 1] + "…"


def clip_middle(text: str, limit: int) -> str:
    """Return head and tail of `text`, `limit` characters, and a line that counts the rest."""
    if len(text) <= limit:
        return text
    half = limit // 2
    return f"{text[:half]}\n[… {len(text) - 2 * half} characters left out …]\n{text[-half:]}"


def _escape(match: re.Match[str]) -> str:
    return match[0].encode("unicode_escape").decode("ascii")
