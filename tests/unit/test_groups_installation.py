# SPDX-License-Identifier: Apache-2.0
"""Tests of which pins stay when code is installed over the pinned layer."""

import shutil
from pathlib import Path

from packaging.requirements import Requirement

from osci_jobs.groups import building, installation, wheels
from osci_jobs.groups.wheel import Wheel
from osci_jobs.groups.workshop import Part, Workshop

ROLE = Path(__file__).resolve().parents[2] / "playbooks" / "roles" / "openstack"
PINNED = {"nova": "34.0.0", "oslo-utils": "10.2.0", "sqlalchemy": "2.1.9"}


def wheel_of(name: str, *requirements: str) -> Wheel:
    return Wheel(Path(f"{name}.whl"), name, "1", tuple(map(Requirement, requirements)))


def workshop(tmp_path: Path) -> Workshop:
    lowers = (tmp_path / "layers" / "0123", tmp_path / "images" / "4567")
    return Workshop(None, tmp_path, lowers, tmp_path, 60, print)


def code(tree: str, version="1") -> Part:
    return Part("nova", "nova", version, tree, lambda path: None)


def test_the_role_installs_where_code_is_installed_later():
    defaults = (ROLE / "defaults" / "main.yml").read_text().splitlines()
    assert f"openstack_virtualenv: /{installation.ENVIRONMENT}" in defaults
    assert f"openstack_constraints: /{installation.CONSTRAINTS}" in defaults


def test_the_pins_are_those_that_the_layer_was_made_with(tmp_path):
    place = tmp_path / installation.CONSTRAINTS
    place.parent.mkdir()
    shutil.copyfile(ROLE / "files" / "constraints.txt", place)
    pins = installation.pins(tmp_path)
    assert len(pins) > 150
    assert pins["oslo-utils"] == "10.2.0"
    assert "osci-ml2" not in pins


def test_pins_stay_but_of_what_is_replaced():
    assert installation.kept(PINNED, [wheel_of("nova")], []) == [
        "oslo-utils==10.2.0",
        "sqlalchemy==2.1.9",
    ]
    release = Part("nova", "Nova", "33.0.0")
    assert "nova==34.0.0" not in installation.kept(PINNED, [], [release])


def test_a_pin_goes_that_code_requires_differently():
    wheel = wheel_of("nova", "oslo.utils>=10.3", "SQLAlchemy>=2")
    assert installation.kept(PINNED, [wheel], []) == ["sqlalchemy==2.1.9"]


def test_a_layer_depends_on_all_parts_in_any_order(tmp_path):
    shop = workshop(tmp_path)
    parts = [code("a" * 40), Part("glance", "glance", "33.0.0")]
    place = building.place(shop, parts)
    assert place == building.place(shop, parts[::-1])
    others = [[code("b" * 40), parts[1]], parts[:1], [parts[0], Part("glance", "glance", "32.0.0")]]
    assert len({place, *(building.place(shop, other) for other in others)}) == 4


def test_a_wheel_depends_on_tree_version_and_layers(tmp_path):
    shop, part = workshop(tmp_path), code("a" * 40)
    elsewhere = Workshop(None, tmp_path, (tmp_path / "other",), tmp_path, 60, print)
    places = {
        wheels.place(shop, part),
        wheels.place(shop, code("b" * 40)),
        wheels.place(shop, code("a" * 40, "2")),
        wheels.place(elsewhere, part),
    }
    assert len(places) == 4
