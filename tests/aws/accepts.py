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
VARIABLE = re.compile(r'"\$\{?\w+\}?"|\$\w+')


class Accepted(Exception):
    """The request would leave now."""


def words(line: str) -> list[str]:
    assignment = ASSIGNMENT.match(line)
    call = assignment.group(2) if assignment else line
    return shlex.split(VARIABLE.sub("v-0123456789abcdef0", call))


def main() -> None:
    driver = create_clidriver()
    reached = False

    def leave(**_: Any) -> None:
        nonlocal reached
        reached = True
        raise Accepted

    driver.session.register("before-call", leave)
    refused = 0
    for line in dict.fromkeys(Path(sys.argv[1]).read_text().splitlines()):
        program, *arguments = words(line)
        if program != "aws":
            continue
        reached = False
        said = io.StringIO()
        with contextlib.redirect_stderr(said), contextlib.redirect_stdout(said):
            try:
                driver.main(arguments)
            except (Accepted, SystemExit):
                pass
        # Starting a session asks for the plugin first.
        if not reached and "SessionManagerPlugin" not in said.getvalue():
            refused += 1
            print(f"{line}\n    {said.getvalue().strip()[:300]}")
    sys.exit(1 if refused else 0)


main()
