"""Open every page of the built site in a headless browser, as a reader would.

    python tools/look.py docs/_build/html --pictures docs/_build/pictures

Each page is shown at the width of a desktop and of a phone, in light and in dark. It
fails on an error in the console, on a page wider than its window, on formulas that are
not typeset and on links within the site that lead nowhere; a picture is taken of a few
pages. ``nox -s look`` brings the browser, PyQt6-WebEngine. asv's pages, the history of
speed, are left out: they are not of the site's making and load scripts from elsewhere.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from itertools import product
from pathlib import Path
from urllib.parse import unquote, urlsplit

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ.setdefault(
    "QTWEBENGINE_CHROMIUM_FLAGS", "--no-sandbox --disable-gpu --log-level=3"
)

from PyQt6.QtCore import QEventLoop, QTimer, QUrl
from PyQt6.QtWebEngineCore import QWebEnginePage
from PyQt6.QtWebEngineWidgets import QWebEngineView
from PyQt6.QtWidgets import QApplication

SIZES = {"desktop": (1280, 900), "phone": (390, 844)}
MODES = ("light", "dark")
OTHERS = {"_static", "history"}
PICTURED = (
    "index.html",
    "losses.html",
    "losses/huber.html",
    "losses/categorical_crossentropy.html",
    "speed.html",
    "learn/index.html",
    "api/get.html",
)
#: Names the widest elements that stick out and are in no box that scrolls.
PROBE = """(() => {
  const page = document.documentElement, wide = [];
  const boxed = e => { for (; e; e = e.parentElement)
    if (/auto|scroll|hidden/.test(getComputedStyle(e).overflowX)) return true; };
  if (page.scrollWidth > page.clientWidth + 1)
    for (const e of document.body.querySelectorAll("*"))
      if (e.getBoundingClientRect().right > page.clientWidth + 1
          && !boxed(e.parentElement))
        wide.push(e.tagName + "." + e.className);
  return [page.scrollWidth - page.clientWidth, wide.slice(0, 3).join(" "),
    document.querySelectorAll("mjx-merror, mjx-container [data-mjx-error]").length,
    document.querySelectorAll(".math").length
      - document.querySelectorAll(".math mjx-container").length];
})()"""


class Page(QWebEnginePage):
    """A page that keeps the errors of its console."""

    def __init__(self) -> None:
        super().__init__()
        self.errors: list[str] = []

    def javaScriptConsoleMessage(  # noqa: N802
        self,
        level: QWebEnginePage.JavaScriptConsoleMessageLevel,
        message: str | None,
        line: int,
        source: str | None,
    ) -> None:
        """Keep an error."""
        if level == QWebEnginePage.JavaScriptConsoleMessageLevel.ErrorMessageLevel:
            self.errors.append(f"{message} ({source}:{line})")


class Browser:
    """A window that no one sees."""

    def __init__(self) -> None:
        self.page = Page()
        self.view = QWebEngineView()
        self.view.setPage(self.page)
        self.view.show()

    def load(self, address: str, patience: int = 20_000) -> None:
        """Load a page, and wait until it is there."""
        self.page.errors.clear()
        loop = QEventLoop()
        self.page.loadFinished.connect(loop.quit)
        QTimer.singleShot(patience, loop.quit)
        self.page.load(QUrl(address))
        loop.exec()
        self.page.loadFinished.disconnect(loop.quit)

    def ask(self, script: str) -> object:
        """The answer of a script, or None after ten seconds."""
        loop, answers = QEventLoop(), []

        def keep(answer: object) -> None:
            answers.append(answer)
            loop.quit()

        QTimer.singleShot(10_000, loop.quit)
        self.page.runJavaScript(script, 0, keep)
        loop.exec()
        return answers[0] if answers else None

    def show(self, size: tuple[int, int], mode: str) -> None:
        """The page in a window of this size, in light or dark."""
        self.view.resize(*size)
        of = "document.documentElement.dataset"
        self.ask(f"{of}.theme = {of}.mode = '{mode}'; 0")
        for _ in range(100):
            if self.ask("innerWidth") == size[0]:
                break
            self.wait(20)

    def picture(self, path: Path) -> None:
        """Save what is shown."""
        self.wait(300)
        path.parent.mkdir(parents=True, exist_ok=True)
        self.view.grab().save(str(path))

    def wait(self, milliseconds: int) -> None:
        """Let the page work."""
        loop = QEventLoop()
        QTimer.singleShot(milliseconds, loop.quit)
        loop.exec()


def looked_at(browser: Browser, page: str) -> Iterator[str]:
    """What is wrong with the page as it is shown."""
    answer: object = None
    for _ in range(100):
        answer = browser.ask(PROBE)
        if isinstance(answer, list) and answer[3] == 0:
            break
        browser.wait(50)
    if not isinstance(answer, list):
        yield f"{page}: no answer from the page"
        return
    over, wide, wrong, unset = answer
    if over > 1:
        yield f"{page}: {over:g} pixels too wide ({wide})"
    if wrong or unset:
        yield f"{page}: {wrong:g} formulas with errors, {unset:g} not typeset"


class Links(HTMLParser):
    """The links and the anchors of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.anchors: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep what leads somewhere, and where something may lead."""
        for name, value in attrs:
            if name in {"href", "src"} and value and tag != "use":
                self.links.append(value)
            elif name in {"id", "name"} and value:
                self.anchors.add(value)


def broken(site: Path, pages: list[Path]) -> Iterator[str]:
    """Links within the site that lead nowhere."""
    parsed = {page: Links(page.read_text("utf-8")) for page in pages}
    for page, found in parsed.items():
        for link in sorted(set(found.links)):
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (page.parent / unquote(parts.path)).resolve()
            target = page if not parts.path else target
            if not target.exists():
                yield f"{page.relative_to(site)}: {link} leads nowhere"
            elif target in parsed and unquote(parts.fragment) not in (
                "",
                *parsed[target].anchors,
            ):
                yield f"{page.relative_to(site)}: {link} has no such place"


def main() -> int:
    """Look at the site."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("site", type=Path)
    parser.add_argument("--pictures", type=Path, help="folder for pictures of pages")
    parser.add_argument("--only", default="", help="pages whose path matches this")
    options = parser.parse_args()
    site = options.site.resolve()
    pages = [p for p in sorted(site.rglob("*.html")) if not OTHERS & {*p.parts}]
    if not pages:
        parser.error(f"{site} holds no pages; build them with nox -s docs")
    faults = list(broken(site, pages))
    application = QApplication(sys.argv[:1])
    browser = Browser()
    looked = [p for p in pages if re.search(options.only, str(p.relative_to(site)))]
    for page in looked:
        name = str(page.relative_to(site))
        browser.load(page.as_uri())
        faults += [f"{name}: {error}" for error in browser.page.errors]
        for size, mode in product(SIZES, MODES):
            browser.show(SIZES[size], mode)
            faults += looked_at(browser, f"{name}, {size}, {mode}")
            if options.pictures and name in PICTURED:
                file = name.removesuffix(".html").replace("/", "-")
                browser.picture(options.pictures / f"{file}-{size}-{mode}.png")
    del browser, application
    print("\n".join(faults))
    print(f"{len(pages)} pages, {len(faults)} faults")
    return min(len(faults), 1)


if __name__ == "__main__":
    sys.exit(main())
