# SPDX-License-Identifier: Apache-2.0
"""Put load on the cloud, scenario after scenario, and measure what it does.

    stress.py FILE [REPLIES]

FILE is JSON: cloud (of clouds.yaml), meters[] (hosts), idle_seconds, servers (how many
there are to be) and scenarios[], which docs/stress.md describes. Leaves cases.jsonl,
samples.csv and attachments/stress.json. A case for each scenario and limit; exits 1 when
one failed.

With REPLIES, the number of an open file, it is led: what to do comes line by line on
standard input, and each line is answered with one there, all of it JSON (`Led`).
"""

import asyncio
import json
import signal
import sys
from pathlib import Path

import stress_cost
import stress_engine
import uvloop
from stress_cloud import CallError, Cloud
from stress_operations import OPERATIONS, prepared
from stress_record import Pieces, Record, numbers, rows, summarize

LINE_BYTES = 1 << 20


async def main(path, replies=None):
    """Run the scenarios; return the exit code."""
    settings = json.loads(Path(path).read_text("utf-8"))
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, asyncio.current_task().cancel)
    with Record(Path()) as record:
        try:
            async with Cloud.connect(settings["cloud"]) as cloud:
                if replies is None:
                    await _go(settings, cloud, record)
                else:
                    with open(int(replies), "w", encoding="utf-8", buffering=1) as answers:
                        await Led(settings, cloud, record).obey(answers)
        except CallError as error:
            record.trouble("cloud", str(error))
        except asyncio.CancelledError:
            record.trouble("time", "The suite was told to stop.")
    return int(record.has_failed)


async def _go(settings, cloud, record):
    meters = stress_cost.Meters(settings["meters"])
    async with prepared(cloud, settings["servers"]) as stage:
        known = await _known(settings["idle_seconds"], stage, meters)
        record.idle(known["idle"])
        for scenario in settings["scenarios"]:
            print(f"SCENARIO {scenario['name']}", flush=True)
            await stage.cloud.log_in()
            record.scenario(scenario, *await _measure(scenario, stage, meters, known))


async def _known(seconds, stage, meters):
    """Return what an idle cloud uses in a second, and what it uses for a look at a server."""
    idle = await meters.idle(seconds)
    before = await meters.read()
    looks = await stage.look()
    after = await meters.read()
    used = stress_cost.beyond(before, after, (after["at"] - before["at"], idle))
    return {"idle": idle, "look": stress_cost.divided(used, looks)}


async def _measure(scenario, stage, meters, known):
    """Return what a scenario measured, what each of its operations cost, and what of that
    was not counted.
    """
    operations = {name: OPERATIONS[name] for name in scenario["operations"]}
    stage.looks = 0
    before = await meters.read()
    measured = await stress_engine.run(scenario, operations, stage)
    after = await meters.read()
    always = (after["at"] - before["at"], known["idle"])
    used = stress_cost.beyond(before, after, always, (stage.looks, known["look"]))
    cost = stress_cost.divided(used, measured.finished)
    return measured, cost, stress_cost.uncounted(before, after)


class Led:
    """Load in pieces, each when it is asked for. What can be asked:

    {"know": SECONDS}           what the cloud uses by itself in a second, and for a look at a
                                server: {"idle": [...], "look": [...]}
    {"known": {...}}            take that off from now on: {}
    {"scenario": {...}, "is_kept": BOOL}
                                what it measured: {"measured": {...}}, or {} and a case why not

    What is kept is put together, piece by piece, and recorded at the end, as if each
    scenario had been run at once.
    """

    def __init__(self, settings, cloud, record):
        self._settings = settings
        self._cloud = cloud
        self._record = record
        self._meters = stress_cost.Meters(settings["meters"])
        self._known = {"idle": {}, "look": {}}
        self._kept = {}

    async def obey(self, answers):
        """Say that all is prepared, then answer line by line until there are no more."""
        lines = await _standard_input()
        async with prepared(self._cloud, self._settings["servers"]) as stage:
            _answer(answers, {"is_ready": True})
            while line := await lines.readline():
                _answer(answers, await self._do(json.loads(line), stage))
        self._record.idle(self._known["idle"])
        for scenario in self._settings["scenarios"]:
            if pieces := self._kept.get(scenario["name"]):
                self._record.scenario(*pieces.together(scenario))

    async def _do(self, asked, stage):
        if "know" in asked:
            found = await _known(asked["know"], stage, self._meters)
            return {name: rows(used) for name, used in found.items()}
        if "known" in asked:
            self._known = {name: numbers(used) for name, used in asked["known"].items()}
            return {}
        scenario = asked["scenario"]
        print(f"SCENARIO {scenario['name']}", flush=True)
        try:
            found = await _measure(scenario, stage, self._meters, self._known)
        except CallError as error:
            self._record.trouble(scenario["name"], str(error))
            return {}
        if asked["is_kept"]:
            self._kept.setdefault(scenario["name"], Pieces()).add(*found)
        return {"measured": summarize(scenario, *found)}


async def _standard_input():
    reader = asyncio.StreamReader(limit=LINE_BYTES)
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
    )
    return reader


def _answer(answers, content):
    answers.write(json.dumps(content) + "\n")


if __name__ == "__main__":
    stress_engine.claim()
    sys.exit(uvloop.run(main(*sys.argv[1:])))
