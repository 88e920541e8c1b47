# SPDX-License-Identifier: Apache-2.0
"""Checks of the registries that this machine is set to use, each by its own client."""

from datetime import UTC, datetime

from osci_jobs.doctor.answer import NOTE, OK, TROUBLE, Answer, Places
from osci_jobs.groups import registries

CLOCK_SECONDS = 60


def apt(_places: Places) -> Answer:
    """The hosts' image is made of what the mirrors have."""
    for address in registries.release_files():
        registries.ask_mirror(address)
    return Answer(OK, "apt's mirrors answer.")


def pip(_places: Places) -> Answer:
    """OpenStack is installed by pip."""
    registries.ask_index()
    return Answer(OK, "pip's index answers.")


def clock(_places: Places) -> Answer:
    """A machine that lives at another time takes certificates for expired or not yet valid."""
    told = registries.server_time(registries.ask_mirror(registries.release_files()[0]))
    return judge_clock(told, datetime.now(UTC))


def judge_clock(told: datetime | None, here: datetime) -> Answer:
    """Return what to think of this machine's clock by the time that a registry told."""
    if told is None:
        return Answer(
            NOTE,
            "The mirror of apt does not tell the time, so the clock was not checked.",
            "Look at it yourself: date --utc",
        )
    ahead = (here - told).total_seconds()
    if abs(ahead) > CLOCK_SECONDS:
        return Answer(
            TROUBLE,
            f"The clock is {abs(ahead):.0f} s {'ahead' if ahead > 0 else 'behind'}, "
            "by the mirror of apt.",
            "Set the clock, for example by NTP; certificates and signatures depend on it.",
        )
    return Answer(OK, f"The clock is right to {CLOCK_SECONDS} s, by the mirror of apt.")
