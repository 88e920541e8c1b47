# SPDX-License-Identifier: Apache-2.0
"""The direction of imports, and the one importer of each outside package."""

import ast
import sys
from pathlib import Path

import pytest

TREE = Path(__file__).resolve().parents[2]
PACKAGE = TREE / "osci_jobs"
# From the top down; a module imports only from rows below its own.
LAYERS = (
    ("__main__",),
    ("cli",),
    ("doctor",),
    ("run",),
    ("groups", "suites", "reports", "sources", "hudson", "mail"),
    ("playbook", "regression", "stress"),
    ("results", "deployment"),
    ("process", "cache", "deadline"),
    ("accounts", "data", "errors", "signals", "supervisor"),
)
RANKS = {name: rank for rank, names in enumerate(LAYERS) for name in names}
IMPORTERS = {
    "ansible_runner": "playbook",
    "breezy": "sources.converter",
    "jenkins": "hudson.server",
    "jenkins_jobs": "hudson.components",
    "jinja2": "reports.html",
    "jsonschema": "deployment.schema",
    "junit_xml": "results.junit",
    "launchpadlib": "sources.launchpad",
    "matplotlib": "reports.plots",
    "numpy": "regression.statistics",
    "packaging": "groups.wheel",
    "requests": "hudson.server",
    "scipy": "regression.statistics",
    "shtab": "cli.completion",
    "yaml": "hudson.notation",
}
MODULES = sorted(PACKAGE.rglob("*.py"))


def name_of(path: Path) -> str:
    return ".".join(path.relative_to(PACKAGE).with_suffix("").parts).removesuffix(".__init__")


def imports_of(path: Path) -> set[str]:
    """Return the full names that a module imports."""
    found = set()
    package = ["osci_jobs", *path.relative_to(PACKAGE).parent.parts]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            found |= {f"{base}.{alias.name}" for alias in node.names}
    return found


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_imports_point_down(path):
    own = name_of(path).split(".")[0]
    if own == "__init__":
        return
    for imported in imports_of(path):
        top, _, rest = imported.partition(".")
        other = rest.split(".")[0]
        if top == "osci_jobs" and other not in ("", own):
            assert RANKS[own] < RANKS[other], f"{name_of(path)} imports {imported}"


def test_every_outside_package_has_one_importer():
    importers: dict[str, set[str]] = {}
    for path in MODULES:
        for imported in imports_of(path):
            top = imported.split(".")[0]
            if top not in sys.stdlib_module_names and top != "osci_jobs":
                importers.setdefault(top, set()).add(name_of(path))
    assert importers == {name: {module} for name, module in IMPORTERS.items()}


def test_contributing_says_why_each_outside_package_is_here():
    page = (TREE / "CONTRIBUTING.md").read_text()
    for importer in IMPORTERS.values():
        assert f"`{importer}`" in page


def test_every_source_file_has_its_licence_line():
    files = [*PACKAGE.rglob("*.py"), *(TREE / "playbooks").rglob("*.yml")]
    files += [
        *(TREE / "jobs").glob("*.yaml"),
        *(TREE / "playbooks").rglob("*.py"),
        *(TREE / "tests").rglob("*.py"),
    ]
    licence = "SPDX-License-Identifier: Apache-2.0"
    missing = [str(file) for file in files if licence not in file.read_text()[:200]]
    assert missing == []
