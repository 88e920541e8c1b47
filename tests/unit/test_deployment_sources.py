# SPDX-License-Identifier: Apache-2.0
"""The sources of a deployment file."""

import json

import pytest

from osci_jobs import deployment
from osci_jobs.errors import ConfigurationError

CLOUD = {"host": [{"name": "host1"}], "api": [{"host": "host1"}]}


@pytest.fixture
def load(tmp_path):
    def load(**keys):
        (tmp_path / "x.json").write_text(json.dumps(keys))
        return deployment.load(tmp_path, "x")

    return load


def test_without_any_everything_is_as_pinned(load):
    assert load(**CLOUD).sources == ()


def test_a_source_is_a_text_or_an_object(load):
    entry = {"source": "https://example.org/glance@fix", "method": "rebase", "trunk": "stable/x"}
    nova, glance = reversed(load(**CLOUD, sources={"nova": "gerrit:1", "glance": entry}).sources)
    assert (nova.project, nova.kind, nova.method) == ("nova", "gerrit", "merge")
    assert (glance.project, glance.ref, glance.method) == ("glance", "fix", "rebase")
    assert (glance.trunk_url, glance.trunk_ref) == ("", "stable/x")


def test_the_path_of_a_checkout_is_relative_to_the_file(load, tmp_path):
    (source,) = load(**CLOUD, sources={"nova": "./src/nova"}).sources
    assert source.url == str(tmp_path.resolve() / "src/nova")


@pytest.mark.parametrize(
    ("sources", "told"),
    [
        ({"nava": "1"}, "$.sources.nava: found an unknown project"),
        ({"nova": "ext::sh"}, '$.sources.nova: found "ext::sh", expected a version, URL'),
        ({"nova": 1}, "$.sources.nova: found 1, expected a source of 1 to 2000 characters"),
        ({"nova": {"method": "merge"}}, "$.sources.nova.source: found nothing"),
        ({"nova": {"source": "gerrit:1", "way": "x"}}, "$.sources.nova.way: found an unknown key"),
        ({"nova": {"source": "gerrit:1", "trunk": "-x"}}, '$.sources.nova.trunk: found "-x"'),
        ({"nova": "https://u:hunter2@e.org/x"}, "expected a URL without a password"),
    ],
)
def test_faults_have_their_places(load, sources, told):
    with pytest.raises(ConfigurationError) as caught:
        load(**CLOUD, sources=sources)
    assert told in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_sources_need_services(load):
    with pytest.raises(ConfigurationError, match="places no services"):
        load(host=CLOUD["host"], sources={"nova": "gerrit:1"})


def test_a_description_has_them_as_a_file_could(load):
    loaded = load(**CLOUD, sources={"nova": {"source": "gerrit:1", "trunk": "stable/x"}})
    described = deployment.describe(loaded)["sources"]
    assert described == {"nova": {"source": "gerrit:1", "method": "merge", "trunk": "stable/x"}}
