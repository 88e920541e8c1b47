# SPDX-License-Identifier: Apache-2.0
"""One client of benchmarks/load, on the tester.

    load_client.py osci|http|fast|limit
    load_client.py error RATE

Prints one line of JSON. The call is keystone's version, whose body is checked.
"""

import json
import resource
import sys
import time
from pathlib import Path

CONNECTIONS = 20
SECONDS = 10
WARM_SECONDS = 2
CLOUD = "osci"
CLOUDS = Path(__file__).with_name("clouds.yaml")
VERSION = "v3"
DELAY_SECONDS = 0.02
PORT = 18181
# Arrivals a second that no generator in Python keeps up with.
TOO_MANY = 6000


def main(kind, *words):
    """Run one client."""
    clients = {"osci": _osci, "limit": _served, "error": _served}
    print(json.dumps(clients.get(kind, _locust)(kind, *words)))


def _used():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def _per_cpu_second(requests, cpu_seconds):
    return {"per_cpu_second": requests / cpu_seconds, "per_second": requests / SECONDS}


def _scenario(**load):
    return {"operations": {"call": 1}, "ramp": 0, "duration": SECONDS, "timeout": 30} | load


def _osci(_):
    import uvloop

    return uvloop.run(_measure_osci())


async def _measure_osci():
    import stress_engine
    from stress_cloud import Cloud

    stress_engine.claim()

    async def call(cloud):
        body = await cloud.call("keystone", "GET", "", 200)
        assert body["version"]["id"].startswith(VERSION)

    async with Cloud.open(CLOUD, CLOUDS) as cloud:
        load = _scenario(concurrency=CONNECTIONS)
        await stress_engine.run(load | {"duration": WARM_SECONDS}, {"call": call}, cloud)
        before = _used()
        measured = await stress_engine.run(load, {"call": call}, cloud)
        return _per_cpu_second(measured.finished, _used() - before)


def _locust(kind):
    from gevent import monkey

    monkey.patch_all()
    import gevent
    import yaml
    from locust import HttpUser, constant, task
    from locust.contrib.fasthttp import FastHttpUser
    from locust.env import Environment

    url = yaml.safe_load(CLOUDS.read_text("utf-8"))["clouds"][CLOUD]["auth"]["auth_url"]

    class Caller({"http": HttpUser, "fast": FastHttpUser}[kind]):
        host = url.removesuffix("/v3")
        wait_time = constant(0)

        @task
        def ask(self):
            with self.client.get("/v3", catch_response=True) as answer:
                body = json.loads(answer.content)
                if not body["version"]["id"].startswith(VERSION):
                    answer.failure("wrong")

    environment = Environment(user_classes=[Caller])
    runner = environment.create_local_runner()
    runner.start(CONNECTIONS, spawn_rate=CONNECTIONS)
    gevent.sleep(WARM_SECONDS)
    before, asked = _used(), environment.stats.total.num_requests
    gevent.sleep(SECONDS)
    requests, used = environment.stats.total.num_requests - asked, _used() - before
    assert not environment.stats.total.num_failures
    runner.quit()
    return _per_cpu_second(requests, used)


def _served(_, rate=TOO_MANY):
    import subprocess

    import stress_engine
    import uvloop

    stress_engine.claim()
    server = subprocess.Popen([sys.executable, __file__, "serve"], stdout=subprocess.PIPE)
    try:
        server.stdout.readline()
        return uvloop.run(_measure_served(float(rate)))
    finally:
        server.terminate()
        server.wait()


async def _measure_served(rate):
    """Return requests a second in the time of the load, and how far latency is from the truth."""
    import statistics

    import aiohttp
    import stress_engine

    took = []

    async def call(session):
        async with session.get(f"http://127.0.0.1:{PORT}/") as answer:
            took.append(json.loads(await answer.read())["seconds"])

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        measured = await stress_engine.run(_scenario(rate=rate), {"call": call}, session)
    in_time = [
        one for one in measured.done if one.second + one.seconds <= SECONDS and not one.error
    ]
    seconds = statistics.median(one.seconds for one in measured.done)
    lags = sorted(one.lag_seconds for one in measured.done)
    return {
        "per_second": len(in_time) / SECONDS,
        "error_seconds": seconds - statistics.median(took),
        "lag_p99": lags[int(0.99 * len(lags))],
    }


def _serve():
    """Answer each request after a while, with how long that was, and do next to nothing else."""
    import asyncio

    import uvloop

    class Connection(asyncio.Protocol):
        def connection_made(self, transport):
            self.transport = transport

        def data_received(self, _):
            asyncio.get_running_loop().call_later(DELAY_SECONDS, self.answer, time.monotonic())

        def answer(self, started):
            body = b'{"seconds": %.6f}' % (time.monotonic() - started)
            size = b"Content-Length: %d" % len(body)
            self.transport.write(b"HTTP/1.1 200 OK\r\n" + size + b"\r\n\r\n" + body)

    async def serve():
        loop = asyncio.get_running_loop()
        server = await loop.create_server(Connection, "127.0.0.1", PORT, backlog=1000)
        print("ready", flush=True)
        await server.serve_forever()

    uvloop.run(serve())


if __name__ == "__main__":
    _serve() if sys.argv[1] == "serve" else main(*sys.argv[1:])
