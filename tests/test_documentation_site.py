"""The documentation site is built as readers get it: whole, without a broken link, on its own."""

import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

from training.systems import list_systems

ROOT = Path(__file__).resolve().parents[1]
LOADED = {"script": "src", "img": "src", "iframe": "src", "source": "src"}
LOADED_LINKS = {"stylesheet", "icon", "preload", "preconnect", "dns-prefetch", "manifest"}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    # Strict, by mkdocs.yml: a broken link or anchor, or a page that is in no menu, fails.
    command = [sys.executable, "-m", "mkdocs", "build", "--quiet", "--site-dir", str(folder)]
    built = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stdout + built.stderr
    return folder


class Loads(HTMLParser):
    """What a browser fetches for a page without being asked."""

    def __init__(self) -> None:
        super().__init__()
        self.urls: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if tag == "link" and LOADED_LINKS & set((values.get("rel") or "").split()):
            self.urls.append(values["href"] or "")
        if url := values.get(LOADED.get(tag, "")):
            self.urls.append(url)


def text_of(site: Path, page: str) -> str:
    return (site / page / "index.html").read_text(encoding="utf-8")


def test_every_page_of_the_repository_is_there(site: Path) -> None:
    pages = [*ROOT.glob("docs/*.md"), *ROOT.glob("models/*/*/README.md")]
    for page in pages:
        place = page.relative_to(ROOT).with_suffix("")
        assert "<h1" in text_of(site, str(place).removesuffix("/README"))
    assert "ganserve" in text_of(site, "")


def test_nothing_is_loaded_from_elsewhere(site: Path) -> None:
    pages = sorted(site.rglob("*.html"))
    assert len(pages) > 25
    for page in pages:
        loads = Loads()
        loads.feed(page.read_text(encoding="utf-8"))
        assert [url for url in loads.urls if re.match(r"(https?:)?//", url)] == [], page
    for sheet in site.rglob("*.css"):
        text = sheet.read_text(encoding="utf-8")
        assert re.findall(r"(?:url\(|@import)\s*[\"']?((?:https?:)?//[^\"')]+)", text) == [], sheet


@pytest.mark.parametrize("system", list_systems())
def test_every_system_is_explained_with_formula_and_picture(site: Path, system: str) -> None:
    page = text_of(site, "docs/systems")
    (section,) = re.findall(rf'<h2 id="{system}">.*?(?=<h2|<footer|</article)', page, re.DOTALL)
    assert "<math" in section
    (picture,) = re.findall(r'<img [^>]*src="([^"]+)"', section)
    assert (site / "docs" / "systems" / picture).resolve().is_file()
    assert f"training/systems/{system.replace('-', '_')}.py" in section


def test_pages_name_only_files_that_are_there() -> None:
    """In back-quotes, below a folder of the code; a name in capitals stands for any."""
    named = re.compile(r"`((?:app|contract|training|benchmarks|tests|deploy)/[a-z0-9_./-]*)`")
    pages = [ROOT / "README.md", *ROOT.glob("docs/*.md")]
    missing = {
        (page.name, name)
        for page in pages
        if page.name != "log.md"  # which tells what was there once
        for name in named.findall(page.read_text(encoding="utf-8"))
        if not (ROOT / name).exists()
    }
    assert missing == set()


def test_formulas_are_drawn_and_not_quoted(site: Path) -> None:
    page = text_of(site, "docs/systems")
    assert page.count("<math") >= 12
    assert "\\mathcal" not in page
    assert "```" not in page
