# SPDX-License-Identifier: Apache-2.0
"""Write down again and again what each service and the whole host use.

    sampler.py DIRECTORY

Appends to services.csv and host.csv in DIRECTORY until TERM. A host may be a
container, whose /proc/stat and meminfo are the machine's, so everything is
added up over processes. PSS costs a millisecond for each large process, so it
is read less often. The longer it runs the longer its steps: a week makes some
megabytes.
"""

import os
import signal
import sys
import time

STEP_SECONDS = 1
MEMORY_SECONDS = 5
SAMPLES_BEFORE_DOUBLING = 1200
TABLE_BYTES = 12 << 20
SERVICE_HEADER = "at,service,cpu_seconds,memory_bytes"
HOST_HEADER = "at,cpu_seconds,memory_bytes,disk_bytes,received_bytes,sent_bytes"
ENABLED = "/etc/systemd/system/multi-user.target.wants"
# Debian's own, and this one.
NOT_OURS = ("e2scrub_reap", "osci-meter", "osci-sampler", "ssh")
TICKS = os.sysconf("SC_CLK_TCK")
PROCESS_CLOCK = 2  # CPUCLOCK_SCHED


def main(directory):
    """Sample until TERM, and once more then."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    os.makedirs(directory, exist_ok=True)
    services = Table(os.path.join(directory, "services.csv"), SERVICE_HEADER)
    host = Table(os.path.join(directory, "host.csv"), HOST_HEADER)
    sampler = Sampler()
    number = 0
    is_last = False
    while not is_last:
        step = STEP_SECONDS << number // SAMPLES_BEFORE_DOUBLING
        is_last = bool(number and signal.sigtimedwait({signal.SIGTERM}, step))
        with_memory = is_last or number % max(MEMORY_SECONDS // step, 1) == 0
        service_rows, host_row = sampler.sample(with_memory)
        services.append(service_rows)
        host.append([host_row])
        number += 1


class Table:
    """A CSV that only ever holds whole rows; what the disk does not take is left out."""

    def __init__(self, path, header):
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        self._header = header

    def append(self, rows):
        """Append the rows, or none of them."""
        size = os.fstat(self._file).st_size
        if size > TABLE_BYTES:
            return
        lines = rows if size else [self._header, *rows]
        data = "".join(f"{line}\n" for line in lines).encode()
        try:
            if os.write(self._file, data) < len(data):
                os.ftruncate(self._file, size)
        except OSError:
            return


class Meter:
    """The CPU seconds that a changing set of processes has used since it was made.

    Processes are {(id, start): (id of the parent, seconds)}, the seconds with
    those of the children that the process has waited for.
    """

    def __init__(self, processes):
        self.seconds = 0.0
        self._last = processes

    def update(self, processes):
        """Add what these processes have used since the last time."""
        ids = {pid for pid, _ in processes}
        grown = sum(
            seconds - self._last.get(key, (0, 0.0))[1] for key, (_, seconds) in processes.items()
        )
        # What a child had used is its parent's once it has ended.
        inherited = sum(
            seconds
            for key, (parent, seconds) in self._last.items()
            if key not in processes and parent in ids
        )
        self.seconds += max(grown - inherited, 0.0)
        self._last = processes


class Sampler:
    """What was seen so far."""

    def __init__(self):
        self._host = None
        self._meters = {}
        self._units = {}

    def sample(self, with_memory):
        """Return the rows of the services that have processes, and the host's."""
        at = _now()
        processes, services = self._look()
        memory = {key: _pss(key[0]) for key in processes} if with_memory else {}
        rows = [
            f"{at},{name},{self._meters[name].seconds:.2f},{_total(memory, own)}"
            for name, own in sorted(services.items())
        ]
        return rows, f"{at},{self._host.seconds:.2f},{_total(memory, processes)},{_machine()}"

    def services(self):
        """Return cpu_seconds and memory_bytes of each service that has processes."""
        _, services = self._look()
        return {
            name: {
                "cpu_seconds": self._meters[name].seconds,
                "memory_bytes": sum(_pss(pid) for pid, _ in own),
            }
            for name, own in services.items()
        }

    def _look(self):
        """Return all processes, and those of each service, once what they used is added."""
        processes = _processes()
        self._units = {key: self._units.get(key) or _unit(key[0]) for key in processes}
        services = self._by_service(processes)
        self._update(processes, services)
        return processes, services

    def _by_service(self, processes):
        services = {name: {} for name in _enabled()}
        for key, process in processes.items():
            if self._units[key] in services:
                services[self._units[key]][key] = process
        return {name: own for name, own in services.items() if own}

    def _update(self, processes, services):
        is_first = self._host is None
        self._host = self._host or Meter(processes)
        self._host.update(processes)
        for name, own in services.items():
            meter = self._meters.setdefault(name, Meter(own if is_first else {}))
            meter.update(own)


def _now():
    now = time.time()
    seconds = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now))
    return f"{seconds}.{int(now * 1000) % 1000:03d}Z"


def _enabled():
    try:
        names = os.listdir(ENABLED)
    except OSError:
        return []
    units = [name[: -len(".service")] for name in names if name.endswith(".service")]
    return [unit for unit in units if unit not in NOT_OURS]


def _processes():
    found = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            # The name of a program may hold anything; the numbers follow its last bracket.
            words = _read(f"/proc/{name}/stat").rpartition(")")[2].split()
            if words:
                own, waited = sum(map(int, words[11:13])), sum(map(int, words[13:15]))
                seconds = _cpu_seconds(int(name), own / TICKS) + waited / TICKS
                found[int(name), words[19]] = (int(words[1]), seconds)
    return found


def _cpu_seconds(pid, otherwise):
    """Return the CPU seconds of a process, all its threads, to the nanosecond.

    /proc has them in hundredths only. The clock's number is what clock_getcpuclockid(3)
    gives, of which Python knows none for other processes.
    """
    try:
        return time.clock_gettime(~pid << 3 | PROCESS_CLOCK)
    except OSError:
        return otherwise


def _unit(pid):
    """Return the unit that the process belongs to, "" for one without."""
    for line in _read(f"/proc/{pid}/cgroup").splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers in ("", "name=systemd"):
            for part in path.split("/"):
                if part.endswith(".service"):
                    return part[: -len(".service")]
    return ""


def _pss(pid):
    for line in _read(f"/proc/{pid}/smaps_rollup").splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    return 0


def _total(memory, keys):
    return sum(memory[key] for key in keys) if memory else ""


def _machine():
    """Return the bytes used on the disk, received and sent, as the end of a row."""
    disk = os.statvfs("/")
    received = sent = 0
    for line in _read("/proc/net/dev").splitlines()[2:]:
        interface, _, numbers = line.partition(":")
        if interface.strip() != "lo":
            received += int(numbers.split()[0])
            sent += int(numbers.split()[8])
    return f"{(disk.f_blocks - disk.f_bfree) * disk.f_frsize},{received},{sent}"


def _read(path):
    """Return the first bytes of a file of the kernel's, "" for a process that has ended."""
    try:
        file = os.open(path, os.O_RDONLY)
    except OSError:
        return ""
    try:
        return os.read(file, 16384).decode("utf-8", "replace")
    except OSError:
        return ""
    finally:
        os.close(file)


if __name__ == "__main__":
    main(sys.argv[1])
