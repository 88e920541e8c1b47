# SPDX-License-Identifier: Apache-2.0
"""Start a nova service when what it needs is there.

    start.py PROGRAM MODULE CONFIG_FILE [QUEUE]

A nova service that does not find placement exits, and one that does not find
the conductor waits ten seconds and then a minute. So this imports the program
first, which is most of its start, then waits for placement to be in the
catalog and to answer, and for QUEUE on the broker.
"""

import configparser
import importlib
import json
import sys
import time
import urllib.parse
import urllib.request

INTERVAL_SECONDS = 0.2


def main(program, module, config_file, queue=None):
    """Wait, then become the program."""
    service = importlib.import_module(module)
    config = configparser.ConfigParser(interpolation=None, strict=False)
    config.read(config_file)
    _wait_for(_placement_answers, config["placement"])
    if queue:
        _wait_for(_has_queue, config["DEFAULT"]["transport_url"], queue)
    sys.argv = [program, "--config-file", config_file]
    sys.exit(service.main())


def _wait_for(is_there, *arguments):
    while not is_there(*arguments):
        time.sleep(INTERVAL_SECONDS)


def _placement_answers(account):
    try:
        catalog = _log_in(account)["token"].get("catalog", [])
        urls = [
            endpoint["url"]
            for service in catalog
            if service["type"] == "placement"
            for endpoint in service["endpoints"]
        ]
        return bool(urls) and urllib.request.urlopen(urls[0], timeout=10).status == 200
    except OSError:
        return False


def _log_in(account):
    user = {
        "domain": {"name": account["user_domain_name"]},
        "name": account["username"],
        "password": account["password"],
    }
    project = {
        "domain": {"name": account["project_domain_name"]},
        "name": account["project_name"],
    }
    body = {
        "auth": {
            "identity": {"methods": ["password"], "password": {"user": user}},
            "scope": {"project": project},
        }
    }
    request = urllib.request.Request(
        account["auth_url"] + "/auth/tokens",
        json.dumps(body).encode(),
        {"Content-Type": "application/json"},
    )
    return json.load(urllib.request.urlopen(request, timeout=10))


def _has_queue(transport_url, queue):
    import amqp

    url = urllib.parse.urlsplit(transport_url)
    try:
        with amqp.Connection(
            f"{url.hostname}:{url.port}", userid=url.username, password=url.password
        ) as connection:
            connection.channel().queue_declare(queue, passive=True)
        return True
    except (amqp.AMQPError, OSError):
        return False


if __name__ == "__main__":
    main(*sys.argv[1:])
