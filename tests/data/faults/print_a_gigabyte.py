# SPDX-License-Identifier: Apache-2.0
"""Print a gigabyte of what no terminal and no XML takes, then fail one case."""

import sys

PIECE = (
    b"\x1b[31mred\x1b[0m \x00 \xff\xfe \xe2\x80\xae \xed\xa0\x80 ]]> <script>alert(1)</script>\n"
)
GIGABYTE = 1 << 30

for _ in range(GIGABYTE // (len(PIECE) * 1000) + 1):
    sys.stdout.buffer.write(PIECE * 1000)
with open("junit.xml", "w", encoding="utf-8") as file:
    file.write(
        '<testsuite><testcase name="loud">'
        '<failure message="it was loud \\x1b[31m">see the output</failure>'
        "</testcase></testsuite>"
    )
