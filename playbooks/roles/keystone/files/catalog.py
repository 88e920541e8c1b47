# SPDX-License-Identifier: Apache-2.0
"""Enter services, their accounts and endpoints into keystone, by its own API.

    catalog.py FILE

FILE is JSON: keystone_url, password (admin's), region, services[{name, type,
url, password}]. What is there already is left as it is.
"""

import json
import sys
import urllib.request

ROLES = ("admin", "service")
INTERFACES = ("public", "internal", "admin")


def main(path):
    """Read the file and enter what it lists."""
    with open(path, encoding="utf-8") as file:
        wanted = json.load(file)
    keystone = Keystone(wanted["keystone_url"], wanted["password"])
    project = keystone.ensure("project", name="service", domain_id="default")
    roles = [keystone.ensure("role", name=name) for name in ROLES]
    for service in wanted["services"]:
        _enter(keystone, service, project, roles, wanted["region"])


def _enter(keystone, service, project, roles, region):
    user = keystone.ensure("user", name=service["name"], domain_id="default")
    keystone.call("PATCH", f"/users/{user}", {"user": {"password": service["password"]}})
    for role in roles:
        keystone.call("PUT", f"/projects/{project}/users/{user}/roles/{role}")
    entry = keystone.ensure("service", name=service["name"], type=service["type"])
    for interface in INTERFACES:
        keystone.ensure(
            "endpoint", service_id=entry, interface=interface, region_id=region, url=service["url"]
        )


class Keystone:
    """Keystone's API as the administrator of the default domain."""

    def __init__(self, url, password):
        self._url = url
        self._token = ""
        user = {"domain": {"id": "default"}, "name": "admin", "password": password}
        project = {"domain": {"id": "default"}, "name": "admin"}
        body = {
            "auth": {
                "identity": {"methods": ["password"], "password": {"user": user}},
                "scope": {"project": project},
            }
        }
        headers, _ = self._send("POST", "/auth/tokens", body)
        self._token = headers["X-Subject-Token"]

    def ensure(self, kind, **attributes):
        """Return the id of the resource with these attributes, made if need be."""
        filters = "&".join(
            f"{name}={value}" for name, value in attributes.items() if name not in ("url",)
        )
        there = self.call("GET", f"/{kind}s?{filters}")[f"{kind}s"]
        if there:
            return there[0]["id"]
        return self.call("POST", f"/{kind}s", {kind: attributes})[kind]["id"]

    def call(self, method, path, body=None):
        """Send one request; return the answer's JSON, None when it has none."""
        return self._send(method, path, body)[1]

    def _send(self, method, path, body=None):
        request = urllib.request.Request(
            self._url + path,
            None if body is None else json.dumps(body).encode(),
            {"Content-Type": "application/json", "X-Auth-Token": self._token},
            method=method,
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            data = answer.read()
            return answer.headers, json.loads(data) if data else None


if __name__ == "__main__":
    main(sys.argv[1])
