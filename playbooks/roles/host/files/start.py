# SPDX-License-Identifier: Apache-2.0
"""Start a nova service when what it needs is there.

    start.py PROGRAM MODULE CONFIG_FILE [QUEUE]

A nova service that does not find placement exits, and one that does not find
the conductor waits ten seconds and then a minute. So this imports the program
first, which is most of its start, then waits for placement to be in the
catalog and to answer, and for QUEUE on the broker. What it still lacks goes to
the journal whenever that changes.
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
    _wait_for(_lacks_placement, config["placement"])
    if queue:
        _wait_for(_lacks_queue, config["DEFAULT"]["transport_url"], queue)
    sys.argv = [program, "--config-file", config_file]
    sys.exit(service.main())


def _wait_for(lack, *arguments):
    said = ""
    while what := lack(*arguments):
        if what != said:
            print(f"Waiting: {what}", file=sys.stderr, flush=True)
        said = what
        time.sleep(INTERVAL_SECONDS)


def _lacks_placement(account):
    """Return why placement does not answer, "" when it does."""
    try:
        catalog = _log_in(account)["token"].get("catalog", [])
        urls = [
            endpoint["url"]
            for service in catalog
            if service["type"] == "placement"
            for endpoint in service["endpoints"]
        ]
        if not urls:
            return "placement is not in the catalog yet"
        urllib.request.urlopen(urls[0], timeout=10)
    except OSError as error:
        url = getattr(error, "url", None) or account["auth_url"]
        return f"{url} for the account '{account['username']}': {error}"
    return ""


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


def _lacks_queue(transport_url, queue):
    """Return why the queue cannot be seen on the broker, "" when it can."""
    import amqp

    url = urllib.parse.urlsplit(transport_url)
    try:
        with amqp.Connection(
            f"{url.hostname}:{url.port}", userid=url.username, password=url.password
        ) as connection:
            connection.channel().queue_declare(queue, passive=True)
    except (amqp.AMQPError, OSError) as error:
        return f"the queue '{queue}' on the broker: {error}"
    return ""


if __name__ == "__main__":
    main(*sys.argv[1:])
