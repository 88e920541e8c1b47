# SPDX-License-Identifier: Apache-2.0
"""Tests that what pip 26.3 really printed becomes one sentence, or the failing lines first."""

from pathlib import Path

import pytest

from osci_jobs.errors import InfrastructureError
from osci_jobs.groups import blame, complaint

OUTPUTS = Path(__file__).resolve().parents[1] / "data" / "pip"
PINNED = {"oslo-utils": "10.2.0", "cachetools": "8.0.1", "alembic": "1.20.1"}
VERSION = "3.9.1.dev1+g0123456789ab"
ADDRESSES = ("pypi.org:443", "files.pythonhosted.org:443")


def output(name: str) -> list[str]:
    return (OUTPUTS / f"{name}.txt").read_text().splitlines()


def installation(lines: list[str], refused=()) -> tuple[str, str]:
    error = complaint.of_installation(lines, ["os-traits"], PINNED, refused)
    return str(error), error.line


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        (
            "conflict",
            f"'os-traits {VERSION}' requires 'SQLAlchemy<2', "
            "but 'alembic 1.20.1' requires 'SQLAlchemy>=2.0'.",
        ),
        (
            "pinned",
            "'google-auth 2.20.0' requires 'cachetools<6.0 and >=2.0.0', "
            "but 'cachetools==8.0.1' is pinned.",
        ),
        (
            "no-such-version",
            "'os-traits' requires 'oslo.utils>=99', but pip's index has no such release, "
            "and 'oslo.utils==10.2.0' is pinned.",
        ),
        (
            "no-such-package",
            "'os-traits' requires 'osci-no-such-package-ever', "
            "but pip's index has no such release.",
        ),
    ],
)
def test_what_excludes_each_other_is_named_in_one_sentence(name, sentence):
    assert installation(output(name)) == (sentence, sentence)


def test_of_many_causes_the_two_that_exclude_each_other_are_named():
    lines = [
        "The conflict is caused by:",
        "    nova 34.0.0 depends on oslo.utils>=8",
        "    os_traits 4.0 depends on oslo.utils>=11",
        "    neutron 29.0.0 depends on six",
        "    keystone 30.0.0 depends on oslo.utils<11",
        "",
    ]
    assert installation(lines)[0] == (
        "'os_traits 4.0' requires 'oslo.utils>=11', but 'keystone 30.0.0' requires 'oslo.utils<11'."
    )


def test_what_was_asked_for_is_told_from_what_is_pinned():
    lines = [
        "The conflict is caused by:",
        "    The user requested oslo-utils==9.0.0",
        "    keystone 30.0.0 depends on oslo.utils>=10",
    ]
    assert installation(lines)[0] == (
        "'keystone 30.0.0' requires 'oslo.utils>=10', but 'oslo-utils==9.0.0' is asked for."
    )


def test_a_release_that_is_not_there_is_told():
    lines = ["ERROR: No matching distribution found for nova==99.0.0"]
    assert installation(lines)[0] == "pip's index has no 'nova==99.0.0'."


@pytest.mark.parametrize(
    ("name", "first", "line"),
    [
        (
            "traceback",
            '  File "<string>", line 2, in <module>',
            "NameError: name 'this' is not defined",
        ),
        (
            "malformed-requirement",
            '  File "/build/tmp/pip-build-env-tzfx8di_/overlay/lib/python3.11/site-packages/'
            'setuptools/_vendor/packaging/requirements.py", line 86, in __init__',
            "packaging.requirements.InvalidRequirement: Expected semicolon "
            "(after name with no version specifier) or end",
        ),
        (
            "newer-python",
            "ERROR: Package 'os-traits' requires a different Python: 3.11.2 not in '>=3.99'",
            "ERROR: Package 'os-traits' requires a different Python: 3.11.2 not in '>=3.99'",
        ),
        (
            "no-such-build-tool",
            "ERROR: No matching distribution found for osci-no-such-build-tool",
            "ERROR: No matching distribution found for osci-no-such-build-tool",
        ),
    ],
)
def test_the_failing_lines_of_a_build_come_first(name, first, line):
    error = complaint.of_build(output(name), "os-traits", [])
    lines = str(error).splitlines()
    assert (lines[0], error.line) == (first, line)
    assert line in lines
    assert lines[-1] == "'os-traits' does not build."
    assert len(lines) <= 7


def test_an_output_without_an_error_ends_with_its_last_line():
    error = complaint.of_build(["gcc", "", "Killed", ""], "nova", [])
    assert str(error) == "Killed\n'nova' does not build."


def test_a_build_that_says_nothing_is_told():
    assert str(complaint.of_build([], "nova", [])) == "It said nothing.\n'nova' does not build."


def test_where_code_was_not_to_reach_is_told():
    sentence = installation(output("elsewhere"), ["example.com:443"])[0].splitlines()[-1]
    assert sentence == (
        "'os-traits' cannot be installed. It tried to reach 'example.com:443', "
        "and may reach package registries only."
    )


def test_what_comes_from_a_stranger_is_printable_and_short():
    lines = ["      ╰─> [1 lines of output]", "\x1b[31m" + "x" * 5000, "      [end of output]"]
    error = complaint.of_build(lines, "nova", ["\x1b[2J:443"])
    assert error.line.isprintable()
    assert all(line.isprintable() and len(line) < 500 for line in str(error).splitlines())


@pytest.mark.parametrize(
    "name",
    [
        *("conflict", "pinned", "no-such-version", "traceback", "malformed-requirement"),
        *("newer-python", "elsewhere"),
    ],
)
def test_no_registry_is_to_blame_for_what_code_does_wrong(name):
    blame.require_registries(output(name), ADDRESSES, "")


@pytest.mark.parametrize(
    "line",
    [
        "ERROR: HTTP error 503 while getting https://files.pythonhosted.org/x.whl",
        "WARNING: Retrying (Retry(total=0)) after connection broken by 'ReadTimeoutError("
        "\"HTTPSConnectionPool(host='pypi.org', port=443): Read timed out. (read timeout=15)\")'",
        "Max retries exceeded with url: https://pypi.org/simple/x/ "
        "(Caused by ResponseError('too many 503 error responses'))",
        "error: incomplete-download",
    ],
)
def test_a_registry_that_fails_is_never_laid_to_the_code(line):
    with pytest.raises(InfrastructureError, match="did not answer as it should"):
        blame.require_registries([line], ADDRESSES, "")


def test_a_registry_that_the_proxy_could_not_reach_is_told():
    with pytest.raises(InfrastructureError, match="pypi.org:443: timed out"):
        blame.require_registries(output("no-such-package"), ADDRESSES, "pypi.org:443: timed out")


@pytest.mark.parametrize(
    "line",
    [
        "urllib3: HTTPSConnectionPool(host='github.com', port=443): Read timed out.",
        "OSError: Tunnel connection failed: 403 Forbidden",
        "the test of 503 Server Error passed",
    ],
)
def test_what_code_reaches_for_elsewhere_is_its_own_fault(line):
    blame.require_registries([line], ADDRESSES, "")


@pytest.mark.parametrize(
    ("name", "packages"),
    [
        ("no-such-package", ["osci-no-such-package-ever"]),
        ("no-such-build-tool", ["osci-no-such-build-tool"]),
        ("no-such-version", []),
        ("newer-python", []),
    ],
)
def test_a_package_of_which_pip_found_nothing_is_told_from_a_version(name, packages):
    assert complaint.missing(output(name)) == packages


def test_a_package_for_other_pythons_only_is_not_missing():
    lines = ["ERROR: Ignored the following versions that require a different python version: 9"]
    assert complaint.missing([*lines, *output("no-such-package")]) == []
