# SPDX-License-Identifier: Apache-2.0
"""Build parts into a layer as a run does, and try the layer: a program for the tests.

    workshop.py ORDER

ORDER is a JSON file: state, cache, lowers, run_directory, silence_seconds, group, parts
(project, package, version, tree), and a command to run over the layer, or null. What it
came to is JSON on standard output, what is said goes to standard error.
"""

import json
import signal
import sys
import tarfile
from pathlib import Path

from osci_jobs import groups
from osci_jobs.errors import InterruptionError, OsciError
from osci_jobs.groups import building, confined
from osci_jobs.groups.registries import Reach
from osci_jobs.groups.workshop import Part, Workshop


def part(of: dict) -> Part:
    tree = of["tree"]

    def export(path: Path) -> None:
        with tarfile.open(path, "w") as archive:
            for child in sorted(Path(tree).iterdir()):
                archive.add(child, child.name)

    return Part(of["project"], of["package"], of["version"], tree, export if tree else None)


def interrupt(number: int, _frame: object) -> None:
    raise InterruptionError(number)


def look(shop: Workshop, layer: Path, command: list[str]) -> list[str]:
    """Return what a command prints on a throw-away host with the layer."""
    lines: list[str] = []
    task = confined.Task("look", command, "root", {})
    with confined.host(shop.ledger, "look", [layer, *shop.lowers], Reach({}, {})) as host:
        lines.append(f"exit code {confined.run(shop.ledger, host, task, 60, lines.append)}")
    return lines


def carry_out(shop: Workshop, order: dict) -> dict:
    try:
        layer = building.layer(shop, [part(one) for one in order["parts"]])
        seen = look(shop, layer, order["command"]) if order["command"] else []
    except OsciError as error:
        return {
            "verdict": error.verdict,
            "message": str(error),
            "line": error.line,
            "file": error.file,
        }
    return {"verdict": "success", "layer": str(layer), "seen": seen}


def main(file: str) -> None:
    order = json.loads(Path(file).read_text())
    signal.signal(signal.SIGTERM, interrupt)
    state = Path(order["state"])
    groups.clear(state, lambda text: print(text, file=sys.stderr, flush=True))
    ledger = groups.open_ledger(state, order["group"], "run")
    groups.make_scratch(ledger)
    shop = Workshop(
        ledger,
        Path(order["cache"]),
        tuple(map(Path, order["lowers"])),
        Path(order["run_directory"]),
        order["silence_seconds"],
        lambda text: print(text, file=sys.stderr, flush=True),
    )
    result = carry_out(shop, order)
    groups.delete(ledger)
    print(json.dumps(result))


if __name__ == "__main__":
    main(sys.argv[1])
