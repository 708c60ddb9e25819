"""Prints where Chromium is; installs Debian's package where there is none and that may be: `make test-browser`.

The exit status is 1 where no browser can be had, which is told on standard error.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
COMMANDS = (
    ("apt-get", "update", "--quiet=2"),
    ("apt-get", "install", "--quiet=2", "--yes", "--no-install-recommends", "chromium", "fonts-dejavu-core"),
)


def found() -> str | None:
    """Return the path of a Chromium; None where there is none."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


def installed() -> str | None:
    """Return the path of a Chromium, installed now if need be; None where that can't be."""
    if (path := found()) is not None:
        return path
    if shutil.which("apt-get") is None or os.geteuid() != 0:
        print("no Chromium, and apt-get as root is not to be had", file=sys.stderr)
        return None
    for command in COMMANDS:
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        status = subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, check=False).returncode
        if status:
            print(f"no Chromium: {' '.join(command)} ended with {status}", file=sys.stderr)
            return None
    return found()


def main() -> int:
    """Print the path; return the exit status."""
    path = installed()
    print(path or "")
    return 0 if path else 1


if __name__ == "__main__":
    raise SystemExit(main())
