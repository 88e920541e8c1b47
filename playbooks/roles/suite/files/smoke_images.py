# SPDX-License-Identifier: Apache-2.0
"""Cases about the metadata of the server's snapshot, which are properties in glance."""

from openstack.exceptions import raise_from_response
from smoke_run import check

_PATCH = {"Content-Type": "application/openstack-images-v2.1-json-patch"}
# The items of the cases; nova gives the image others.
_NAMES = ("first", "second", "third")


def delete_items(run):
    """Give the image two items and delete them one by one."""
    _set(run, {"first": "one", "second": "two"})
    _patch(run, ("remove", "first"))
    _check(run, {"second": "two"})
    _patch(run, ("remove", "second"))
    _check(run, {})


def update_one_item(run):
    """Change one of two items; the other stays."""
    _set(run, {"first": "one", "second": "two"})
    _patch(run, ("replace", "first", "1"))
    _check(run, {"first": "1", "second": "two"})


def update_items(run):
    """Change one item and add another; the rest stays."""
    _set(run, {"first": "one", "second": "two"})
    _patch(run, ("replace", "second", "2"), ("add", "third", "3"))
    _check(run, {"first": "one", "second": "2", "third": "3"})


def set_items(run):
    """Put new items in the place of all."""
    _set(run, {"first": "one", "second": "two"})
    _set(run, {"second": "2", "third": "3"})


def clear_items(run):
    """Put nothing in the place of all items."""
    _set(run, {"first": "one", "second": "two"})
    _set(run, {})


def _set(run, items):
    """Put the items in the place of all, in one request."""
    removals = [("remove", name) for name in _items(run)]
    _patch(run, *removals, *(("add", name, value) for name, value in items.items()))
    _check(run, items)


def _patch(run, *changes):
    """Change the image; a change is an operation of JSON Patch, a name, and its value if any."""
    body = [
        {"op": operation, "path": f"/{name}"} | ({"value": value[0]} if value else {})
        for operation, name, *value in changes
    ]
    raise_from_response(run.cloud.image.patch(_url(run), json=body, headers=_PATCH))


def _check(run, expected):
    check("metadata", _items(run), expected)


def _items(run):
    response = run.cloud.image.get(_url(run))
    raise_from_response(response)
    image = response.json()
    return {name: image[name] for name in _NAMES if name in image}


def _url(run):
    return f"/images/{run.snapshot.id}"
