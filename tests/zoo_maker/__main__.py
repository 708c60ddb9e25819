"""The command line of the zoo's maker: see the package."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
from importlib import import_module
from pathlib import Path

from tests.zoo_maker.cases import CASES, PARTS, chosen


def main() -> int:
    """Make what the command line asks for; return what the process is to end with."""
    parser = argparse.ArgumentParser(prog="python -m tests.zoo_maker", description="Make the zoo of models.")
    parser.add_argument("outdir", nargs="?", type=Path, help="where to write; what is there of a case goes")
    parser.add_argument("--part", choices=PARTS, help="make this part only, in this process")
    parser.add_argument("--only", nargs="*", default=[], metavar="NAME", help="make these cases only")
    parser.add_argument("--list", action="store_true", help="list the cases and make none")
    options = parser.parse_args()
    if options.list or options.outdir is None:
        print("\n".join(f"{case.folder:40} {case.formats}  {case.notes}" for case in CASES))
        return 0
    if unknown := set(options.only) - {case.name for case in CASES}:
        parser.error(f"no case is called {', '.join(sorted(unknown))}; --list names them all")
    folder = options.outdir.resolve()
    if options.part:
        make_part(options.part, folder, options.only)
        return 0
    failed = [part for part in PARTS if not made_apart(part, folder, options.only)]
    write_manifest(folder)
    return 1 if failed else 0


def make_part(part: str, folder: Path, only: list[str]) -> None:
    """Make the cases of a part in this process."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
    maker = import_module(f"tests.zoo_maker.part_{part}")  # no two parts: Keras 3 and tf_keras don't mix
    for case in chosen(part, only):
        shutil.rmtree(folder / case.folder, ignore_errors=True)
        (folder / case.folder).mkdir(parents=True)
        maker.make(case, folder / case.folder)


def made_apart(part: str, folder: Path, only: list[str]) -> bool:
    """Make the cases of a part in a process of its own; return whether that went well."""
    command = [sys.executable, "-m", "tests.zoo_maker", str(folder), "--part", part]
    return subprocess.run([*command, "--only", *only] if only else command, check=False).returncode == 0


def write_manifest(folder: Path) -> None:
    """List the cases that are in the folder, with their files."""
    cases = []
    for case in CASES:
        path = folder / case.folder / "oracle.json"
        if path.exists():
            oracle = json.loads(path.read_text(encoding="utf-8"))
            files = {name: file.get("path", file.get("error")) for name, file in oracle["files"].items()}
            row = {"part": case.part, "name": case.name, "dir": case.folder}
            cases.append({**row, "n_weights": len(oracle["weights"]), "files": files})
    (folder / "MANIFEST.json").write_text(json.dumps({"cases": cases}, indent=1) + "\n", encoding="utf-8")
    nbytes = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    print(f"{len(cases)} cases, {nbytes / 1e6:.1f} MB in {folder}")


if __name__ == "__main__":
    sys.exit(main())
