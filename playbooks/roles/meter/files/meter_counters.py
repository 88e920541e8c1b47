# SPDX-License-Identifier: Apache-2.0
"""What the meter counts by asking others: the journal, the database and the broker."""

import collections
import json
import os
import re
import subprocess
import syslog
import threading
import time
import uuid

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

    A thread reads the journal as it grows, so that an answer waits for little.
    """

    def __init__(self):
        self._lines = collections.Counter()
        self._calls = collections.defaultdict(collections.Counter)
        self._mark = ""
        self._is_read = threading.Event()

    def start(self):
        """Begin to read."""
        threading.Thread(target=self._follow, daemon=True).start()

    def read(self):
        """Return lines{unit: number} and calls{caller: {unit: number}} until now."""
        self._is_read.clear()
        self._mark = uuid.uuid4().hex
        syslog.syslog(syslog.LOG_DEBUG, self._mark)
        if not self._is_read.wait(SECONDS):
            raise FailedError(f"The journal is more than {SECONDS} s behind.")
        return dict(self._lines), {name: dict(calls) for name, calls in self._calls.items()}

    def _follow(self):
        command = ["journalctl", "--follow", "--lines=0", "--quiet", "--output=json"]
        fields = "--output-fields=_SYSTEMD_UNIT,MESSAGE"
        while True:
            with subprocess.Popen([*command, fields], stdout=subprocess.PIPE) as journal:
                for line in journal.stdout:
                    self.count(line)
            time.sleep(1)

    def count(self, line):
        """Take in an entry of the journal, as a line of JSON."""
        try:
            entry = json.loads(line)
        except ValueError:  # a torn line; bytes that are no UTF-8 are one, too
            return
        unit = str(entry.get("_SYSTEMD_UNIT", "")).removesuffix(".service")
        message = str(entry.get("MESSAGE", ""))
        if self._mark and message == self._mark:
            self._is_read.set()
            return
        self._lines[unit] += 1
        if match := REQUEST.fullmatch(message):
            self._calls[match[1]][unit] += 1


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
        if not os.path.exists(f"{BROKER_HOME}/.erlang.cookie"):
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
