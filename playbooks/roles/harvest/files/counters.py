# SPDX-License-Identifier: Apache-2.0
"""How many statements, messages and lines of log there were, by whose they are."""

import json
import re

from limited import FailedError

LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
# oslo's own format: a date, a time, the id of the process, the level.
LINE = re.compile(rb"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} \d+ ([A-Z]+) ", re.MULTILINE)
STATEMENTS = """
select user, sum(select_commands + update_commands + other_commands)
from information_schema.user_statistics
where user not in ('mariadb.sys', 'mysql', 'root')
group by user
"""
# What was published on channels that are open, by the user of the channel.
MESSAGES = """
Published = fun(Channel) ->
  lists:sum([element(2, Row) || Row <- ets:tab2list(channel_exchange_metrics),
             element(1, element(1, Row)) =:= Channel]) end,
Add = fun({Channel, Infos}, Sums) ->
  maps:update_with(proplists:get_value(user, Infos),
                   fun(Sum) -> Sum + Published(Channel) end, Published(Channel), Sums) end,
maps:to_list(lists:foldl(Add, #{}, ets:tab2list(channel_created))).
"""
USER = re.compile(r'\{<<"([^"]+)">>,(\d+)\}')


def write(path, commands, names):
    """Write counters.json; what could not be counted is under `failed`."""
    counts = {"format": 1, "failed": {}}
    kinds = {"log": _lines}
    if "mariadb" in names:
        kinds["statements"] = _statements
    if "rabbitmq-server" in names:
        kinds["messages"] = _messages
    for kind, count in kinds.items():
        try:
            counts[kind] = count(commands)
        except FailedError as error:
            counts["failed"][kind] = str(error)
    path.write_text(json.dumps(counts, indent=2, sort_keys=True) + "\n")


def _lines(commands):
    counts = dict.fromkeys(LEVELS, 0)
    rest = b""
    for data in commands.stream(["journalctl", "--quiet", "--no-pager", "--output=cat"]):
        block, _, rest = (rest + data).rpartition(b"\n")
        for level in LINE.findall(block):
            name = level.decode()
            if name in counts:
                counts[name] += 1
    return counts


def _statements(commands):
    command = ["mariadb", "--batch", "--skip-column-names", "--execute", STATEMENTS]
    rows = [row.split("\t") for row in commands.output(command).splitlines()]
    return {user: int(number) for user, number in rows}


def _messages(commands):
    answer = commands.output(["rabbitmqctl", "--quiet", "--timeout", "8", "eval", MESSAGES])
    return {user: int(number) for user, number in USER.findall(answer)}
