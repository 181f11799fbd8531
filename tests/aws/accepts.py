"""Asks AWS's command line whether it accepts commands, without sending any request.

    accepts.py FILE                 lines of a POSIX shell

Prints those that the command line refuses, with its message.
Each goes through the real parser and the real validation of parameters, up to the point where the
request would leave.
"""

import contextlib
import io
import re
import shlex
import sys
from pathlib import Path
from typing import Any

from awscli.clidriver import create_clidriver

ASSIGNMENT = re.compile(r"^(\w+)=\$\((.*)\)$")
VARIABLE = re.compile(r'"\$(\w+)"')
# Variables that hold a document, with the least that is one; the others hold an id.
DOCUMENTS = {
    "rule_group": '{"RulesSource": {}}',
    "firewall_policy": '{"StatelessDefaultActions": [], "StatelessFragmentDefaultActions": []}',
}


class Accepted(Exception):
    """The request would leave now."""


def words(line: str) -> list[str]:
    assignment = ASSIGNMENT.match(line)
    call = assignment.group(2) if assignment else line
    return shlex.split(VARIABLE.sub(_value, call))


def _value(variable: re.Match[str]) -> str:
    return shlex.quote(DOCUMENTS.get(variable.group(1), "v-0123456789abcdef0"))


class CommandLine:
    """AWS's command line, which sends nothing."""

    def __init__(self) -> None:
        self.driver = create_clidriver()
        self.driver.session.register("before-call", self._leave)
        self.reached = False

    def _leave(self, **_: Any) -> None:
        self.reached = True
        raise Accepted

    def refuses(self, arguments: list[str]) -> str:
        """Its message, or nothing if it accepts the command."""
        self.reached = False
        said = io.StringIO()
        with contextlib.redirect_stderr(said), contextlib.redirect_stdout(said):
            try:
                self.driver.main(arguments)
            except (Accepted, SystemExit):
                pass
        # Starting a session asks for the plugin first.
        accepts = self.reached or "SessionManagerPlugin" in said.getvalue()
        return "" if accepts else said.getvalue().strip() or "no request"


def main() -> None:
    shared, refused = CommandLine(), 0
    for line in dict.fromkeys(Path(sys.argv[1]).read_text().splitlines()):
        program, *arguments = words(line)
        if program != "aws" or arguments[:1] == ["configure"]:
            continue
        # One command's options stay with the next one's, so a fresh command line has the last word.
        if shared.refuses(arguments) and (message := CommandLine().refuses(arguments)):
            refused += 1
            print(f"{line}\n    {message[:300]}")
    sys.exit(1 if refused else 0)


main()
