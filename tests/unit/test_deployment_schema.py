# SPDX-License-Identifier: Apache-2.0
"""The schema is sound, documented, and says the same as the tables beside it."""

import json
import re
from pathlib import Path

import jsonschema
import pytest

from osci_jobs.deployment import faults, limits, schema, suites, words

PAGE = (Path(__file__).parents[2] / "docs" / "deployment.md").read_text()
SCHEMA = schema.read()


def resolved(node):
    return SCHEMA["$defs"][node["$ref"].rpartition("/")[2]] | node if "$ref" in node else node


def iter_keys(node, path=""):
    """Yield the path and schema of each key that a file can have."""
    node = resolved(node)
    for key, reference in node.get("properties", {}).items():
        child = resolved(reference)
        step = key + "[]" * ("items" in child and child["items"].get("type") != "string")
        inner = f"{path}.{step}".strip(".")
        yield inner, child
        yield from iter_keys(child.get("items", child), inner)
    for branch in ("then", *(["allOf"] if path.startswith("suites") else [])):
        children = node.get(branch, [])
        for child in children if isinstance(children, list) else [children]:
            yield from iter_keys(child.get("then", child), path)


KEYS = dict(iter_keys(SCHEMA))


def test_the_schema_is_valid():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


def test_the_keys_of_every_level_are_found():
    assert {"host[].hardware.cpus", "suites[].copy", "timeouts.run.silence"} <= set(KEYS)


@pytest.mark.parametrize("key", list(KEYS))
def test_each_key_has_a_title_that_completes_a_message_and_a_description(key):
    assert not KEYS[key]["title"].endswith(".")
    assert KEYS[key]["description"]


@pytest.mark.parametrize("key", list(KEYS))
def test_each_key_has_its_line_in_the_page(key):
    key = re.sub(r"^timeouts\.\w+\.", "timeouts.*.", key)
    assert f"\n| `{key}` |" in PAGE


def test_the_page_has_no_key_that_the_schema_lacks():
    keys = {re.sub(r"^timeouts\.\w+\.", "timeouts.*.", key) for key in KEYS}
    tables = PAGE.partition("## Old words")[0]
    assert set(re.findall(r"^\| `([^`]+)` \|", tables, re.MULTILINE)) == keys


def iter_nodes(node):
    """Yield each schema in the schema whose breach is a fault; what `if` holds is none."""
    yield node
    for key in ("properties", "$defs"):
        for child in node.get(key, {}).values():
            yield from iter_nodes(child)
    children = [*node.get("allOf", []), *node.get("prefixItems", [])]
    children += [node[key] for key in ("items", "then", "else") if key in node]
    for child in children:
        yield from iter_nodes(child)


@pytest.mark.parametrize("node", list(iter_nodes(SCHEMA)))
def test_each_schema_refuses_unknown_keys_and_has_a_title_for_its_faults(node):
    if node.get("type") == "object":
        others = node["additionalProperties"]
        assert others is False or others["title"]
    if set(node) & {"type", "enum", "pattern", "required", "minLength", "minItems"}:
        assert node["title"]


@pytest.mark.parametrize(("role", "key"), list(words.ROLES.items()))
def test_the_examples_of_a_word_are_its_meanings(role, key):
    meanings = {word.means for word in words.WORDS if word.key == key and word.means}
    assert set(KEYS[f"{role}[].{key}"]["examples"]) == meanings
    assert words.DEFAULTS[role] in meanings


def test_the_limits_of_the_page_are_those_of_the_table():
    for phase, limit in limits.DEFAULTS.items():
        line = re.search(rf"^\| `timeouts\.{phase}` .*$", PAGE, re.MULTILINE)[0]
        assert line.endswith(f"| {limit.seconds:g} | {limit.silence_seconds:g} |")
    assert set(limits.DEFAULTS) == set(SCHEMA["properties"]["timeouts"]["properties"])


def test_each_suite_has_defaults_and_the_schema_says_them():
    assert set(suites.DEFAULTS) == set(SCHEMA["$defs"]["suite_name"]["enum"])
    for key, default in suites.DEFAULTS["smoke"].items():
        text = default if isinstance(default, str) and default else json.dumps(default)
        assert f"Default: {text}." in KEYS[f"suites[].{key}"]["description"]
        line = re.search(rf"^\| `suites\[\]\.{key}` .*$", PAGE, re.MULTILINE)[0]
        assert line.endswith(f"| `{text}` |")


def test_what_lacks_its_shape_is_taken_out_before_meaning_is_checked():
    value = {"host": [7, {"name": "a", "x": {"y": 1}}], "api": 1}
    found = [
        faults.Fault(("host", 0), "", ""),
        faults.Fault(("host", 0, "deeper"), "", ""),
        faults.Fault(("host", 1, "x"), "", ""),
        faults.Fault(("host", 1, "missing"), "", ""),
        faults.Fault(("api",), "", ""),
    ]
    assert schema.usable(value, found) == {"host": [None, {"name": "a", "x": None}], "api": None}
