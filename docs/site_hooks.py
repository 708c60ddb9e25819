"""What MkDocs does not do by itself: pages that lie outside of docs/, and links that lead there.

On a code host every link is a path from its page to a file of the repository. On the site the same files are there,
too: some as pages, named below, the others under the path that they have in the repository.
"""

from __future__ import annotations

import os
import re
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from mkdocs.structure.files import File

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files
    from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parent.parent
PAGES = {
    "problems.md": "weightrepl/frontends/problems.md",
    "sources.md": "tests/SOURCES.md",
    "changelog.md": "CHANGELOG.md",
    "contributing.md": "CONTRIBUTING.md",
}
"""Pages of the site, and where they are written."""

_LINK = re.compile(r"(?<=\]\()([^)\s#:]+)(?=[)#])")
_FOR_THE_SITE = re.compile(r"<!--\n(:::.*?)-->", re.DOTALL)


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that lie outside of docs/, and whatever any page links to there."""
    for name, path in PAGES.items():
        files.append(File.generated(config, name, abs_src_path=str(ROOT / path)))
    pages = [*files.documentation_pages()]
    for page in pages:  # which grows
        for link in _LINK.findall(page.content_string):
            path = _target(page.src_uri, link)
            if files.get_file_from_path(path) is None and (ROOT / path).is_file():
                file = File.generated(config, path, abs_src_path=str(ROOT / path))
                files.append(file)
                pages += [file] if file.is_documentation_page() else []
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Lead links to where the site has what they mean, and take what is for the site alone out of its comment."""
    here = PurePosixPath(page.file.src_uri).parent

    def led(link: re.Match[str]) -> str:
        return os.path.relpath(_target(page.file.src_uri, link[0]), here).replace(os.sep, "/")

    return _FOR_THE_SITE.sub(r"\1", _LINK.sub(led, markdown))


def _target(page: str, link: str) -> str:
    """Return the path within the site of what a page links to, be it there or not."""
    written = PAGES.get(page) or (f"docs/{page}" if (ROOT / "docs" / page).exists() else page)
    path = os.path.normpath(PurePosixPath(written).parent / link).replace(os.sep, "/")
    if (ROOT / path).is_dir():
        path += "/README.md"  # what a code host shows of a folder
    return {there: name for name, there in PAGES.items()}.get(path) or path.removeprefix("docs/")
