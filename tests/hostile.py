# SPDX-License-Identifier: Apache-2.0
"""Strings that do harm where they are executed or expanded.

Each would make a file called canary-NUMBER if a shell, a template or YAML's tags ran it.
"""

COMMANDS = ("touch {canary}", ": > {canary}", "echo x>{canary}", "cp /dev/null {canary}")
SHELL = (
    *("{command}", "$({command})", "`{command}`", "; {command}", "&& {command}", "|| {command}"),
    *("| {command}", "x & {command} &", "'; {command}; '", '"; {command}; "', "' $({command}) '"),
    *('" `{command}` "', "\\'; {command}; #", "\n{command}\n", "x\r\n{command}", "<({command})"),
    *("$(( $({command}) ))", "${{IFS}}$({command})", "{{{command},}}", "x>$({command})"),
    *("\\`{command}\\`", "\t{command}", "#\n{command}", "--; {command}", "EOF\n{command}\nEOF"),
    *("%0a{command}", "\x00{command}", "\x1b[31m$({command})", "</command>{command}"),
    *("]]>$({command})<![CDATA[", "$'\\n'{command}", "=() {{ {command}; }}", "!{command}"),
)
PYTHON = "__import__('os').system('touch {canary}')"
TEMPLATES = (
    *("{python}", "{{python}}", "{{{{ {python} }}}}", "{{% set x = {python} %}}", "{{0}}", "{{}}"),
    *("{{name.__class__.__mro__}}", "{{obj:mail}}", "{{name}}", "{{label|x}}", "{{", "}}", "}}{{"),
    *("{{{{", "}}}}", "{{{{name}}}}", "{{x!r:>{{y}}}}", "{{{{ self.__init__.__globals__ }}}}"),
    *("#{{{python}}}", "${{{python}}}", "<%= `touch {canary}` %>", '${{"".getClass()}}'),
)
YAML = (
    *("!include: /etc/passwd", "!include-raw: /etc/passwd", "!j2: '{{{{ {python} }}}}'", "&a [*a]"),
    *("!!python/object/apply:os.system ['touch {canary}']", "*alias", "- x\n- y", "x: y", "? x"),
    *("!include-raw-escape: x", "!include-jinja2: x", "!join: ['', [x, y]]", "<<: *x", "%TAG ! x"),
    *("--- x", "...", "null", "~", "yes", "0x1f", "1e3", "2026-11-23", "'", '"', "''", '""'),
    *(
        "|\n  x",
        ">\n  x",
        "@x",
        "`x",
        "x # y",
        "[",
        "]",
        "[]",
        "- ",
        ": ",
        "\\",
        "\\x00",
        "\\u0041",
    ),
)
XML = (
    *("<script>touch {canary}</script>", "</description><x/>", "&lt;", "&amp;", "&#0;", "&x;"),
    *("<!-- x", "-->", "<![CDATA[", "]]>", "<?xml version='1.0'?>", "<!DOCTYPE x>", "\x01", "\x0b"),
    *("\ufffe", "\uffff", "\ud800", "\x7f", "\x85", "\u2028", "\u202e", "\ufeff", "\U0001f600"),
    *("<img src=x onerror=alert(1)>", "&lt;script&gt;", "\U0010ffff", "a\u0300", "\xa0", "\u3000"),
)
LONG = ("x" * 10_000, "{" * 10_000, "$(touch {canary})" * 700, "\n" * 10_000, "'" * 2_000)


def strings():
    """Return every string, each with a canary of its own."""
    templates = [
        *(shell.replace("{command}", command) for shell in SHELL for command in COMMANDS),
        *TEMPLATES,
        *YAML,
        *XML,
    ]
    texts = [text.replace("{python}", PYTHON) for text in templates]
    texts = [text.replace("{{", "{").replace("}}", "}") for text in texts] + list(LONG)
    return [text.replace("{canary}", f"canary-{number}") for number, text in enumerate(texts)]


# A ref of git has no space, but a shell makes one by itself.
REF_COMMANDS = ("touch${IFS}{canary}", ">{canary}", "touch {canary}")
REFS = (
    *(
        "-{command}",
        "--{command}",
        "--upload-pack={command}",
        "-u{command}",
        "-c{command}",
        "+{command}",
    ),
    *("--exec={command}", "x --upload-pack={command}", "refs/heads/--upload-pack={command}"),
    *(
        "$({command})",
        "`{command}`",
        ";{command};",
        "&&{command}",
        "||{command}",
        "|{command}",
        "&{command}&",
    ),
    *(
        "';{command};'",
        '";{command};"',
        "'$({command})'",
        '"`{command}`"',
        "x/$({command})",
        "(){ :;};{command}",
    ),
    *(
        "x\n{command}",
        "x\r{command}",
        "\t{command}",
        "x\0{command}",
        "\x1b]0;{command}\a",
        "#{command}",
    ),
    *(
        "ext::sh -c {command}",
        "ext::{command}",
        "fd::{command}",
        "::{command}",
        "x:{command}",
        "x:{command}:",
    ),
    *(
        "..{command}",
        "x..{command}",
        "@{{command}}",
        "x@{u}{command}",
        "x^{/{command}}",
        "x~{command}",
        "@",
    ),
    *(
        "{{{command}}}",
        "{%{command}%}",
        "{{{{{command}}}}}",
        "#{{command}}",
        "${{command}}",
        "<%=`{command}`%>",
    ),
    *(
        "\u202e{command}",
        "\u200f{command}",
        "\ufeff{command}",
        "\u2028{command}",
        "\ud800{command}",
    ),
    *(
        "refs/heads/$({command})",
        "refs/tags/`{command}`",
        "refs/changes/;{command}",
        "heads/{command}",
    ),
    *(
        "HEAD;{command}",
        "FETCH_HEAD|{command}",
        "{command}.lock",
        ".{command}",
        "{command}/",
        "x//{command}",
    ),
    *(
        "ä{command}",
        "=cmd|'{command}'",
        "%24({command})",
        "%0a{command}",
        "!{command}",
        "a,{command}",
        "*{command}",
    ),
)


def refs():
    """Return names for branches and refs, each with a canary of its own."""
    texts = [ref.replace("{command}", command) for ref in REFS for command in REF_COMMANDS]
    return [text.replace("{canary}", f"canary-ref-{number}") for number, text in enumerate(texts)]


CORPUS = strings()
REF_CORPUS = refs()
