"""`weightrepl-lsp`: query files in any editor, over standard input and output, or a port for looking on."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from weightrepl import __version__


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve one editor until it ends the connection; return the exit status."""
    options = _parser().parse_args(arguments)
    try:
        from weightrepl.frontends.language_server_features import register
        from weightrepl.frontends.language_server_server import WeightServer
    except ImportError as error:
        print(f"weightrepl-lsp: {error}: pip install 'weightrepl[lsp]'", file=sys.stderr)
        return 2
    server = WeightServer()
    register(server)
    if options.tcp:
        host, _, port = options.tcp.rpartition(":")
        server.start_tcp(host or "127.0.0.1", int(port))
    else:
        server.start_io()
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "weightrepl-lsp", description="A language server for weight queries (.wq)."
    )
    parser.add_argument(
        "--stdio", action="store_true", help="standard input and output, as without any option"
    )
    parser.add_argument("--tcp", metavar="HOST:PORT", help="wait for one editor there: 127.0.0.1:2087")
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    return parser


if __name__ == "__main__":
    sys.exit(main())
