# SPDX-License-Identifier: Apache-2.0
"""One client of benchmarks/load, on the tester.

    load_client.py osci|http|fast|error

Prints one line of JSON. The call is keystone's version, whose body is checked.
"""

import json
import resource
import sys
import time

CONNECTIONS = 20
SECONDS = 10
WARM_SECONDS = 2
CLOUD = "osci"
VERSION = "v3"
DELAY_SECONDS = 0.02
PORT = 18181


def main(kind):
    """Run one client."""
    found = {"osci": _osci, "error": _error}.get(kind, _locust)(kind)
    print(json.dumps(found))


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

    async def call(cloud):
        body = await cloud.call("keystone", "GET", "", 200)
        assert body["version"]["id"].startswith(VERSION)

    async with Cloud.connect(CLOUD) as cloud:
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

    with open("/etc/openstack/clouds.yaml", encoding="utf-8") as file:
        url = yaml.safe_load(file)["clouds"][CLOUD]["auth"]["auth_url"]

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


def _error(_):
    import subprocess

    import uvloop

    server = subprocess.Popen([sys.executable, __file__, "serve"], stdout=subprocess.PIPE)
    try:
        server.stdout.readline()
        return uvloop.run(_measure_error())
    finally:
        server.terminate()
        server.wait()


async def _measure_error():
    """Return how far the median latency is from the time that the server takes."""
    import statistics

    import aiohttp
    import stress_engine

    took = []

    async def call(session):
        async with session.get(f"http://127.0.0.1:{PORT}/") as answer:
            took.append(json.loads(await answer.read())["seconds"])

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        full = await stress_engine.run(_scenario(concurrency=200), {"call": call}, session)
        limit = full.finished / SECONDS
        took.clear()
        done = (await stress_engine.run(_scenario(rate=0.8 * limit), {"call": call}, session)).done
    seconds = statistics.median(one.seconds for one in done)
    lags = sorted(one.lag_seconds for one in done)
    return {
        "limit": limit,
        "error_seconds": seconds - statistics.median(took),
        "lag_p99": lags[int(0.99 * len(lags))],
    }


def _serve():
    """Answer each request after a while, with how long that was."""
    import asyncio

    import uvloop
    from aiohttp import web

    async def answer(_):
        started = time.monotonic()
        await asyncio.sleep(DELAY_SECONDS)
        return web.json_response({"seconds": time.monotonic() - started})

    async def ready(_):
        print("ready", flush=True)

    app = web.Application()
    app.router.add_get("/", answer)
    app.on_startup.append(ready)
    asyncio.set_event_loop(uvloop.new_event_loop())
    web.run_app(app, host="127.0.0.1", port=PORT, print=None, loop=asyncio.get_event_loop())


if __name__ == "__main__":
    _serve() if sys.argv[1] == "serve" else main(sys.argv[1])
