"""`weightrepl-lsp`: queries in any editor, over standard input and output, or a port for looking on."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from weightrepl import __version__


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve one editor until it ends the connection; return the exit status."""
    options = _parser().parse_args(arguments)
    try:
        from weightrepl.frontends.language_server_features import serve_io, serve_tcp
    except ImportError as error:
        if str(error.name).partition(".")[0] not in ("pygls", "lsprotocol"):
            raise
        print(f"weightrepl-lsp: {error}: pip install 'weightrepl[lsp]'", file=sys.stderr)
        return 2
    try:
        status = serve_tcp(*options.tcp) if options.tcp else serve_io()
    except OSError as error:  # the port is taken, or not ours
        print(f"weightrepl-lsp: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        status = 130
    sys.stderr.flush()
    os._exit(status)  # what is still being read or computed, nobody waits for


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "weightrepl-lsp", description="A language server for weight queries (.wq)."
    )
    parser.add_argument(
        "--stdio", action="store_true", help="standard input and output, as without any option"
    )
    parser.add_argument("--tcp", metavar="HOST:PORT", type=_place, help="wait for one editor: 127.0.0.1:2087")
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    return parser


def _place(text: str) -> tuple[str, int]:
    """Return host and port; one without a host is of this machine alone."""
    host, _, port = text.rpartition(":")
    if not port.isdecimal() or int(port) > 65535:
        raise argparse.ArgumentTypeError(f"expected HOST:PORT, found '{text}'")
    return host or "127.0.0.1", int(port)


if __name__ == "__main__":
    sys.exit(main())
