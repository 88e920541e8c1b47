# SPDX-License-Identifier: Apache-2.0
"""What the meter counts by asking others: the journal, the database and the broker."""

import collections
import json
import os
import re
import subprocess

SECONDS = 5
DATABASE_SOCKET = "/run/mysqld/mysqld.sock"
USAGE = """
select user, sum(select_commands + update_commands + other_commands),
       sum(rows_sent + rows_inserted + rows_updated + rows_deleted)
from information_schema.user_statistics
where user not in ('mariadb.sys', 'mysql', 'root')
group by user
"""
BROKER_HOME = "/var/lib/rabbitmq"
# The package, cookie and all, is on every host; these are where a broker belongs.
BROKER_DEFINITIONS = "/etc/rabbitmq/definitions.json"
# What was published on channels that are open, by the user of the channel.
PUBLISHED = """
Published = ets:foldl(fun(Row, Sums) ->
    maps:update_with(element(1, element(1, Row)),
                     fun(Sum) -> Sum + element(2, Row) end, element(2, Row), Sums) end,
  #{}, channel_exchange_metrics),
Add = fun({Channel, Infos}, Sums) ->
  Number = maps:get(Channel, Published, 0),
  maps:update_with(proplists:get_value(user, Infos),
                   fun(Sum) -> Sum + Number end, Number, Sums) end,
[{binary_to_list(User), Number} ||
  {User, Number} <- maps:to_list(lists:foldl(Add, #{}, ets:tab2list(channel_created)))].
"""
USER = re.compile(r'\{"([^"]+)", (\d+)\}')
# What uWSGI logs of each request: method, address, status, time and the service that asked.
REQUEST = re.compile(r"[A-Z]+ \S+ \d{3} \d+ms ([a-z][a-z-]*)")


class FailedError(Exception):
    """Something could not be counted."""


class Journal:
    """The lines of log of each unit, and the requests that services made of each other.

    It is asked for what is new each time: who follows it is told four times a second only.
    """

    def __init__(self):
        self._lines = collections.Counter()
        self._calls = collections.defaultdict(collections.Counter)
        self._cursor = ""

    def read(self):
        """Return lines{unit: number} and calls{caller: {unit: number}} since the first time."""
        _journalctl("--sync")
        if self._cursor:
            self._ask(f"--after-cursor={self._cursor}")
        else:
            self._ask("--lines=1")
            self._lines.clear()
            self._calls.clear()
        return dict(self._lines), {name: dict(calls) for name, calls in self._calls.items()}

    def _ask(self, which):
        """Take in these entries."""
        form = ("--output=json", "--output-fields=_SYSTEMD_UNIT,MESSAGE")
        for line in _journalctl("--quiet", which, *form).splitlines():
            self._count(line)

    def _count(self, line):
        """Take in an entry of the journal, as a line of JSON."""
        try:
            entry = json.loads(line)
            unit = str(entry.get("_SYSTEMD_UNIT", "")).removesuffix(".service")
        except (ValueError, AttributeError):  # bytes that are no UTF-8 are no JSON either
            return
        message = str(entry.get("MESSAGE", ""))
        self._cursor = entry.get("__CURSOR", self._cursor)
        self._lines[unit] += 1
        if match := REQUEST.fullmatch(message):
            self._calls[match[1]][unit] += 1


def _journalctl(*arguments):
    """Return what journalctl says."""
    try:
        done = subprocess.run(
            ["journalctl", *arguments], capture_output=True, timeout=SECONDS, check=True
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise FailedError(f"The journal: {error}") from error
    return done.stdout


class Database:
    """MariaDB on this host, over one connection that is kept; nothing where there is none."""

    def __init__(self):
        self._connection = None

    def read(self):
        """Return statements{account: number} and rows{account: number}."""
        if not os.path.exists(DATABASE_SOCKET):
            return {}
        import pymysql

        try:
            found = self._ask(pymysql)
        except (OSError, pymysql.MySQLError) as error:
            self._connection = None
            raise FailedError(f"MariaDB: {error}") from error
        return {
            "statements": {user: int(statements) for user, statements, _ in found},
            "rows": {user: int(rows) for user, _, rows in found},
        }

    def _ask(self, pymysql):
        if self._connection is None:
            limits = dict.fromkeys(("connect_timeout", "read_timeout", "write_timeout"), SECONDS)
            self._connection = pymysql.connect(unix_socket=DATABASE_SOCKET, user="root", **limits)
        with self._connection.cursor() as cursor:
            cursor.execute(USAGE)
            return cursor.fetchall()


class Broker:
    """RabbitMQ on this host, asked by erl_call, which starts no Erlang; nothing without one."""

    def read(self):
        """Return messages{account: number}, those published on channels that are open."""
        if not os.path.exists(BROKER_DEFINITIONS):
            return {}
        # The cookie is in the home of the account, and so in no list of processes.
        command = ["erl_call", "-sname", f"rabbit@{os.uname().nodename}", "-e"]
        try:
            done = subprocess.run(
                command,
                input=PUBLISHED.encode(),
                capture_output=True,
                timeout=SECONDS,
                check=True,
                user="rabbitmq",
                env={"HOME": BROKER_HOME, "PATH": "/usr/bin:/bin"},
            )
        except (OSError, subprocess.SubprocessError) as error:
            raise FailedError(f"RabbitMQ: {error}") from error
        answer = done.stdout.decode("utf-8", "replace")
        return {"messages": {user: int(number) for user, number in USER.findall(answer)}}
