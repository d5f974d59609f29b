"""The pages in a real browser: nothing is fetched, nothing runs, nothing sticks out, and all can be reached and read.

It takes Chromium, as the packages of a distribution bring it, and Playwright. Without them these tests are skipped,
unless BULKMAIL_BROWSER says that they are required.
"""

import os
import shutil
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from bulkmail.report.diff.compare import compared
from bulkmail.report.diff.page import as_page
from bulkmail.report.diff.tell import Counts
from bulkmail.report.page.write import write_page
from bulkmail.rundir.reader import RunDir
from tests.report.pages import KINDS, hostile

REQUIRED = bool(os.environ.get("BULKMAIL_BROWSER"))
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
SIZES = {"desktop": (1280, 900, "light"), "telephone": (390, 844, "dark")}
PAGES = (*KINDS, "diff")
PATIENCE = 300_000  # milliseconds


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A page of each kind. They are made before there is a browser, which has a loop of its own in this thread."""
    made = {}
    for kind, make in KINDS.items():
        folder = tmp_path_factory.mktemp(kind)
        made[kind] = folder / "report.html"
        write_page(make(folder / "run"), made[kind], [("to go on", f"bulkmail resume {'x' * 200}")])
    folder = tmp_path_factory.mktemp("diff")
    one, other = hostile(folder / "a"), hostile(folder / "b")
    records = other.path / "records.ndjson"
    records.write_bytes(records.read_bytes().replace(b"alert", b"Alert"))
    made["diff"] = folder / "diff.html"
    with compared(one, RunDir(other.path)) as comparison:
        made["diff"].write_bytes(as_page(comparison, Counts()))
    return made


@pytest.fixture(scope="module")
def browser(pages: dict[str, Path]) -> Iterator[Any]:
    del pages
    program = next(filter(None, map(shutil.which, BROWSERS)), None)
    if program is None:
        lacking(f"none of {', '.join(BROWSERS)} is installed")
    try:
        start = import_module("playwright.sync_api").sync_playwright
    except ImportError:
        lacking("playwright is not installed")
    with start() as playwright:
        flags = ["--no-sandbox"]  # in a container as root
        opened = playwright.chromium.launch(executable_path=program, args=flags, timeout=PATIENCE)
        yield opened
        opened.close()


def lacking(what: str) -> None:
    if REQUIRED:
        pytest.fail(f"BULKMAIL_BROWSER is set, and {what}")
    pytest.skip(what)


@pytest.fixture
def look(browser: Any, pages: dict[str, Path]) -> Iterator[Any]:
    """Opens a page; fails at the end for whatever it asked for, and for whatever the console says."""
    heard, asked, contexts = list[str](), list[str](), list[Any]()

    def opened(kind: str, size: str = "desktop", **how: Any) -> Any:
        width, height, scheme = SIZES[size]
        context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme, **how)
        contexts.append(context)
        context.set_default_timeout(PATIENCE)
        page = context.new_page()
        page.on("console", lambda message: heard.append(message.text))
        page.on("pageerror", lambda error: heard.append(str(error)))
        page.on("request", lambda request: asked.append(request.url))
        page.goto(pages[kind].as_uri())
        return page

    yield opened
    for context in contexts:
        context.close()
    assert heard == []
    assert {url.partition(":")[0] for url in asked} == {"file"}
    assert len(asked) == len(contexts)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("kind", PAGES)
def test_it_fits_the_screen(look: Any, kind: str, size: str) -> None:
    page = look(kind, size)
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert page.evaluate("document.querySelectorAll('script, iframe, img, [style]').length") == 0


@pytest.mark.parametrize(
    ("kind", "size"),
    [
        ("middle", "telephone"),
        ("applied", "telephone"),
        ("hostile", "desktop"),
        ("failed", "desktop"),
        ("diff", "desktop"),
    ],
)
def test_it_is_accessible(look: Any, kind: str, size: str) -> None:
    """By axe, which has to run on the page: for that alone the policy is passed over."""
    axe = import_module("axe_playwright_python.sync_playwright").Axe()
    found = axe.run(look(kind, size, bypass_csp=True)).response
    assert len(found["passes"]) > 10
    grave = [one for one in found["violations"] if one["impact"] in ("serious", "critical")]
    assert [(one["id"], one["nodes"][0]["html"]) for one in grave] == []


def test_what_is_put_into_it_does_not_run(browser: Any, pages: dict[str, Path]) -> None:
    page = browser.new_page()
    page.set_default_timeout(PATIENCE)
    page.goto(pages["small"].as_uri())
    refused = page.evaluate("""() => new Promise(tell => {
        const refused = [];
        document.addEventListener('securitypolicyviolation', event => {
            if (refused.push(event.effectiveDirective) === 3) tell(refused.sort());
        });
        const script = document.createElement('script');
        script.textContent = 'window.ran = 1';
        document.body.append(script);
        document.body.insertAdjacentHTML('beforeend', '<img src="https://contoso.example/" onerror="window.ran = 2">');
    })""")
    assert refused == ["img-src", "script-src-attr", "script-src-elem"]
    assert page.evaluate("window.ran") is None
    page.close()


def test_the_keyboard_leads_past_the_head(look: Any) -> None:
    page = look("middle")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: url.endswith("#outcomes"))  # the address follows some moments after the key


def test_it_prints_on_white_without_what_only_a_screen_needs(look: Any) -> None:
    page = look("middle", "telephone")
    page.emulate_media(media="print")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.evaluate("getComputedStyle(document.querySelector('nav')).display") == "none"


@pytest.mark.parametrize("kind", PAGES)
def test_it_fits_the_paper(look: Any, kind: str) -> None:
    """A4 less its margins; what stands out there is cut off for good."""
    page = look(kind)
    page.emulate_media(media="print")
    page.set_viewport_size({"width": 690, "height": 1000})
    assert page.evaluate("document.documentElement.scrollWidth") <= 690
