# SPDX-License-Identifier: Apache-2.0
"""What each service used for a scenario, as the meters of the hosts tell.

A number of the meters is known by (service, resource): CPU seconds, statements, rows,
messages, calls of other services, lines of log, bytes of memory.
"""

import asyncio
import json
import time

PORT = 9119
SECONDS = 15
ANSWER_BYTES = 1 << 20
RESOURCES = ("cpu", "statements", "rows", "messages", "calls", "log", "memory")
# What is missing where a meter fails in a kind of counting, or a host does not answer.
LOST = {
    "broker": ("messages",),
    "database": ("statements", "rows"),
    "journal": ("log", "calls"),
    "host": RESOURCES,
}
# What the meters call it, of those that they tell by service.
USED = {"cpu": "cpu_seconds", "log": "log_lines", "memory": "memory_bytes"}
# A compute's account on the broker bears the name of its host.
COMPUTE = "nova-compute"


class Meters:
    """The meters of these hosts."""

    def __init__(self, hosts):
        self._hosts = hosts

    async def read(self):
        """Return the numbers so far, those of all hosts added up.

        What a host cannot tell is missing, rather than less than it is.
        """
        found = await asyncio.gather(*map(_answer, self._hosts))
        return added_up(found)

    async def idle(self, seconds):
        """Return what an idle cloud uses in a second."""
        before = await self.read()
        await asyncio.sleep(seconds)
        after = await self.read()
        passed = after["at"] - before["at"]
        return {key: used / passed for key, used in _grown(before, after)}


def beyond(before, after, *known):
    """Return what was used by (service, resource) between two readings, beyond what is known.

    Each of `known` is how often something happened, or for how many seconds, and what that
    uses each time by (service, resource). Memory is told whole: what pages are shared with
    others changes by itself.
    """
    used = dict(_grown(before, after))
    for often, each in known:
        for key, amount in each.items():
            if key in used and key[1] != "memory":
                used[key] -= often * amount
    return used


def divided(used, number):
    """Return what each of so many cost; nothing where there was none."""
    return {key: amount / number for key, amount in used.items()} if number else {}


def added_up(answers):
    """Return `numbers`, those of some meters' answers added up by (service, resource), and `at`.

    A kind that any of them could not count is left out, and `failed` says why by kind.
    """
    sums = {}
    failed = _failed(answers)
    for answer in answers:
        for key, number in _iter_numbers(answer):
            sums[key] = sums.get(key, 0) + number
    gone = {resource for kind in failed for resource in LOST[kind]}
    kept = {key: number for key, number in sums.items() if key[1] not in gone}
    return {"at": time.monotonic(), "numbers": kept, "failed": failed}


def uncounted(*readings):
    """Return a line for each kind that was not counted in one of the readings, with why."""
    failed = _failed(readings)
    return [f"{', '.join(LOST[kind])}: {why}" for kind, why in sorted(failed.items())]


def _failed(found):
    """Return why each kind was not counted in some of these answers, or of these readings."""
    return {kind: why for one in found for kind, why in one["failed"].items()}


def _grown(before, after):
    """Yield what grew between two readings; what was not there before grew from nothing."""
    for key, number in after["numbers"].items():
        if key in before["numbers"] or not before["failed"]:
            yield key, number - before["numbers"].get(key, 0)


def _iter_numbers(answer):
    for service, used in answer["services"].items():
        for resource, name in USED.items():
            yield (service, resource), used[name]
        yield (service, "calls"), 0
    for resource in ("statements", "rows", "messages"):
        for account, number in answer.get(resource, {}).items():
            yield (_service(account), resource), number
    for caller, called in answer.get("calls", {}).items():
        yield (caller, "calls"), sum(called.values())


def _service(account):
    return COMPUTE if account.startswith(COMPUTE) else account


async def _answer(host):
    try:
        async with asyncio.timeout(SECONDS):
            reader, writer = await asyncio.open_connection(host, PORT)
            content = await reader.read(ANSWER_BYTES)
            while chunk := await reader.read(ANSWER_BYTES):
                content += chunk
            writer.close()
        return json.loads(content)
    except (OSError, ValueError, TimeoutError) as error:
        return {"services": {}, "failed": {"host": f"{host}: {error}"}}
