# SPDX-License-Identifier: Apache-2.0
"""osci's components in jobs that a CI admin writes by hand, wrongly."""

import jjb
import pytest

RIGHT = "osci-results: {mail: [], metrics: [phases]}"
WRONG = {
    "publishers": {
        "osci-results: {mails: [], metrics: []}": (
            "3:34: osci-results: found \"mails\", expected 'mail' or 'metrics'. "
            "Did you mean 'mail'?"
        ),
        "osci-results: {mail: [], metrics: [phase]}": (
            '3:44: osci-results.metrics: found "phase", expected '
            "'phases', 'api', 'memory', 'cpu', 'counters', "
            "'latency_p50', 'latency_p95', 'latency_p99', 'throughput', 'errors', "
            "'cost_cpu', 'cost_statements', 'cost_rows', 'cost_messages', "
            "'cost_calls', 'cost_log', 'cost_memory', 'costs' or 'effects'. Did you mean 'phases'?"
        ),
        "osci-results: {mail: bob@example.org, metrics: []}": (
            '3:34: osci-results.mail: found "bob@example.org", expected a list of texts.'
        ),
        "osci-results: {metrics: []}": (
            "3:33: osci-results.mail: found nothing, expected a list of texts."
        ),
        "osci-results: 7": "osci-results: found 7, expected the keys 'mail' or 'metrics'.",
        "osci-results:": "osci-results: found null, expected the keys 'mail' or 'metrics'.",
    },
    "triggers": {
        "osci-schedule: {corn: ''}": (
            "3:33: osci-schedule: found \"corn\", expected 'cron'. Did you mean 'cron'?"
        ),
        "osci-schedule: {cron: 5}": "osci-schedule.cron: found 5, expected a text.",
    },
    "wrappers": {
        "osci-limit: {minuets: 5}": (
            "3:30: osci-limit: found \"minuets\", expected 'minutes'. Did you mean 'minutes'?"
        ),
        "osci-limit: {minutes: soon}": (
            'osci-limit.minutes: found "soon", expected a whole number.'
        ),
    },
}
CASES = [
    (section, component, message)
    for section, components in WRONG.items()
    for component, message in components.items()
]


@pytest.fixture
def render(tmp_path):
    """Return a function that renders the job `mine` with one component."""

    def render(section, component):
        jobs = tmp_path / "jobs"
        jobs.mkdir()
        path = jobs / "mine.yaml"
        path.write_text(f"- job:\n    name: mine\n    {section}: [{{{component}}}]\n")
        return path, jjb.jenkins_jobs(jobs, tmp_path / "out")

    return render


def test_a_component_can_stand_in_any_job(render):
    _, done = render("publishers", RIGHT)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(("section", "component", "message"), CASES)
def test_a_fault_is_told_with_its_file_job_place_and_nearest_key(
    render, section, component, message
):
    path, done = render(section, component)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert message in done.stderr
    if message[0].isdigit():
        assert f"{path}:{message}" in done.stderr
    assert "In job 'mine'" in done.stderr
    assert str(path) in done.stderr
