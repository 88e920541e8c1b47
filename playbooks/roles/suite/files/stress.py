# SPDX-License-Identifier: Apache-2.0
"""Put load on the cloud, scenario after scenario, and measure what it does.

    stress.py FILE

FILE is JSON: cloud (of clouds.yaml), meters[] (hosts), idle_seconds, servers (how many
there are to be) and scenarios[], which docs/stress.md describes. Leaves cases.jsonl,
samples.csv and attachments/stress.json. A case for each scenario and limit; exits 1 when
one failed.
"""

import asyncio
import json
import os
import signal
import sys
from pathlib import Path

import stress_cost
import stress_engine
import uvloop
from stress_cloud import CallError, Cloud
from stress_operations import OPERATIONS, prepared
from stress_record import Record

# The cloud uses the same cores here; who measures must not wait for whom it measures.
NICENESS = -10


async def main(path):
    """Run the scenarios; return the exit code."""
    settings = json.loads(Path(path).read_text("utf-8"))
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, asyncio.current_task().cancel)
    with Record(Path()) as record:
        try:
            async with Cloud.connect(settings["cloud"]) as cloud:
                await _go(settings, cloud, record)
        except CallError as error:
            record.trouble("cloud", str(error))
        except asyncio.CancelledError:
            record.trouble("time", "The suite was told to stop.")
    return int(record.has_failed)


async def _go(settings, cloud, record):
    meters = stress_cost.Meters(settings["meters"])
    async with prepared(cloud, settings["servers"]) as stage:
        idle = await meters.idle(settings["idle_seconds"])
        record.idle(idle)
        for scenario in settings["scenarios"]:
            print(f"SCENARIO {scenario['name']}", flush=True)
            record.scenario(scenario, *await _measure(scenario, stage, meters, idle))


async def _measure(scenario, stage, meters, idle):
    """Return what a scenario measured and what each of its operations cost."""
    await stage.cloud.log_in()
    operations = {name: OPERATIONS[name] for name in scenario["operations"]}
    before = await meters.read()
    measured = await stress_engine.run(scenario, operations, stage)
    after = await meters.read()
    return measured, stress_cost.per_operation(before, after, idle, measured.finished)


if __name__ == "__main__":
    os.nice(NICENESS)
    sys.exit(uvloop.run(main(sys.argv[1])))
