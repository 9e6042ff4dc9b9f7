"""The pages in a real browser: opened, clicked, searched, printed; nothing is loaded, nothing complains."""

from __future__ import annotations

import json
import os
import shutil
import struct
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any

import attrs
import pytest

from emulator.events import SECOND
from emulator.world.scenario import ActionSpec, Duration
from tests.tools.page.pages import BY_NAME, DEMO, page_of
from tools.browse import state
from tools.diff import diff
from tools.page.run_model import MOST_EVENTS
from tools.serve import Pages, Server
from tools.simulate import loaded, run

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

CHROMIUM = "/usr/bin/chromium"
DOCS = Path(__file__).resolve().parents[2] / "docs"
PICTURE, WRITTEN = DOCS / "demo.png", DOCS / "demo.json"
WIDTH, HEIGHT = 1400, 900
LARGEST_PICTURE = 300_000
EVIL = "</script><script>alert(1)</script><img src=x onerror=alert(2)>"
READ_OUT = """() => ["header", "#now", "#round", "#steps", "#lanes", "#inspector", "#flash-sum", "#settings"]
    .map((part) => document.querySelector(part).textContent)
    .concat([...document.querySelectorAll("#list .row")].filter((row) => Math.abs(row.dataset.n - 112) < 8)
      .sort((a, b) => a.dataset.n - b.dataset.n).map((row) => row.textContent))
    .join("\\n")"""
"""What the picture says, apart from what depends on the size of letters."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's Chromium. Where everything has to be tested, it has to be there."""
    complain = pytest.fail if os.environ.get("CI") else pytest.skip
    if shutil.which(CHROMIUM) is None:
        complain("chromium is not installed (Debian: apt-get install chromium)")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        complain("playwright is not installed (pip install -e '.[dev]')")
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield opened
        opened.close()


@attrs.define
class Watched:
    """A page, and what it did that it must not do."""

    page: Page
    requests: list[str] = attrs.Factory(list)
    complaints: list[str] = attrs.Factory(list)

    def open(self, path: Path) -> Page:
        """Open a file."""
        self.page.goto(path.as_uri())
        return self.page

    def text(self, selector: str) -> str:
        """What an element says."""
        return self.page.locator(selector).text_content() or ""


@pytest.fixture
def watched(browser: Browser) -> Iterator[Watched]:
    """A page in a window of its own; at the end, it must have loaded its file only and said nothing."""
    context = browser.new_context(viewport={"width": WIDTH, "height": HEIGHT}, color_scheme="light")
    found = Watched(context.new_page())
    found.page.set_default_timeout(20_000)
    found.page.on("request", lambda request: found.requests.append(request.url))
    found.page.on("console", lambda message: found.complaints.append(message.text))
    found.page.on("pageerror", lambda error: found.complaints.append(str(error)))
    found.page.on("dialog", lambda dialog: found.complaints.append(dialog.message))
    yield found
    context.close()
    assert found.complaints == []
    assert len({url.partition("#")[0] for url in found.requests}) == 1


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Runs: 1 of the README, 2 with another source, 3 of twenty phones, 4 in which everything fails."""
    path = tmp_path_factory.mktemp("browser") / "runs.db"
    for name in (DEMO.stem, "first-boot-option-159", "twenty-phones-and-one-server", "http-server-host-down"):
        run(BY_NAME[name], db=path)
    return path


@pytest.fixture(scope="module")
def demo(database: Path) -> Path:
    """The page of the README's run."""
    return written(database, 1)


def written(database: Path, name: int | str) -> Path:
    """The page of a run in a file."""
    path = database.with_name(f"run-{name}.html")
    path.write_bytes(page_of(database, name))
    return path


def slide(page: Page, to: int) -> None:
    """Move the slider to an event, as a drag does."""
    page.locator("#slider").evaluate(
        "(slider, to) => { slider.value = to; slider.dispatchEvent(new Event('input')); }", to
    )


def cursor(page: Page) -> int:
    """The number of the event at the cursor, as the inspector says it."""
    return int((page.locator("#inspector .facts strong").text_content() or "#0")[1:])


def settings(page: Page) -> dict[str, str]:
    """The table of settings."""
    rows = page.locator("#settings tr").evaluate_all(
        "rows => rows.map(row => [row.dataset.key, row.cells[1].textContent])"
    )
    return dict(rows)


def test_it_opens_where_the_run_ended(watched: Watched, demo: Path) -> None:
    page = watched.open(demo)
    assert page.title() == "first-boot-option-160, run 1"
    assert cursor(page) == 112
    assert "run ends: provisioned" in watched.text("#inspector h2")
    assert page.locator("#list .row.cursor").get_attribute("data-n") == "112"
    assert page.locator("#list .row.cursor").get_attribute("aria-selected") == "true"
    assert watched.text("#round") == "Provisioning run (start): provisioned"
    assert page.locator("#inspector code").all_text_contents() == ["offhook why 1@112", "offhook state 1@112"]
    assert "http://192.0.2.20/{MODEL}.cfg" in watched.text('[data-step="4"]')


def test_clicks_move_the_cursor(watched: Watched, demo: Path) -> None:
    """A row, a step, an event of the cause chain, the event a setting is from."""
    page = watched.open(demo)
    page.click('[data-step="3"]')
    assert cursor(page) == 31
    page.click('#list [data-n="33"]')
    assert cursor(page) == 33
    assert watched.text("#inspector .packet h3").startswith("SIP packet")
    assert (page.locator("#inspector .tree .value").first.text_content() or "").startswith("SUBSCRIBE sip:")
    page.click('#inspector .why [data-n="31"]')
    assert cursor(page) == 31
    slide(page, 112)
    page.click('#settings [data-key="NTP_ADDR"] button')
    assert cursor(page) == 92


def test_the_chain_is_whole_when_it_is_asked_for(watched: Watched, demo: Path) -> None:
    """From the end of the run to an input that nothing caused, with the grounds of each decision."""
    page = watched.open(demo)
    page.click("#inspector .why .more button")
    numbers = page.locator("#inspector .why li:not(.ground) button").evaluate_all(
        "found => found.map(e => +e.dataset.n)"
    )
    assert numbers[0] == 112
    assert numbers == sorted(numbers, reverse=True)
    grounds = page.locator("#inspector .why li.ground button").evaluate_all("found => found.map(e => +e.dataset.n)")
    assert {61, 67, 73} <= set(grounds)
    assert numbers[1] == 79, "a ground that is the cause as well is told once"


def test_a_packet_shows_the_bytes_of_a_field_and_the_field_of_a_byte(watched: Watched, demo: Path) -> None:
    page = watched.open(demo)
    slide(page, 18)
    page.locator("#inspector .field", has_text="option 160").click()
    lit = page.locator("#inspector .hex .digits .lit").evaluate_all("found => found.map(e => e.textContent)")
    assert bytes.fromhex("".join(lit)) == b"\xa0\x1dhttp://192.0.2.20/{MODEL}.cfg"
    assert "… 11 rows of zeros" in watched.text("#inspector .hex")
    page.locator('#inspector .hex .digits [data-at="4"]').click()
    assert watched.text("#inspector .field.lit .name") == "xid"


def test_search_finds_and_goes_on(watched: Watched, demo: Path) -> None:
    """In lines, in dissected packets, in headers and in bodies; a hidden hit shows all events."""
    page = watched.open(demo)
    slide(page, 1)
    page.keyboard.press("/")
    page.keyboard.type("option 160, provisioning")
    assert cursor(page) == 13
    assert watched.text("#hits") == "1 of 2"
    page.keyboard.press("Enter")
    assert cursor(page) == 18
    page.keyboard.press("Escape")
    page.keyboard.press("/")
    page.keyboard.type("SYSLOG_ADDR>192.0.2.30")
    assert cursor(page) == 77
    page.locator("#search").fill("timer dhcp cancelled")
    assert cursor(page) == 20
    assert page.locator('[data-view="all"]').get_attribute("aria-pressed") == "true"
    page.locator("#search").fill("no such thing anywhere")
    assert watched.text("#hits") == "no hit"
    page.locator("#search").fill("SIP SUBSCRIBE")
    page.locator("#list").focus()
    first = cursor(page)
    page.keyboard.press("n")
    assert cursor(page) > first
    page.keyboard.press("N")
    assert cursor(page) == first


def test_hits_alone(watched: Watched, demo: Path) -> None:
    """The list is what the search finds, and follows it."""
    page = watched.open(demo)
    assert page.locator('[data-view="hits"]').is_disabled()
    page.locator("#search").fill("SUBSCRIBE 224.0.1.75 SIP")
    page.click('[data-view="hits"]')
    rows = "rows => rows.map(row => +row.dataset.n)"
    assert page.locator("#list .row").evaluate_all(rows) == [33, 38, 42, 46]
    assert page.locator("#list .gap").all_text_contents() == ["+500 ms", "+1 s", "+2 s"]
    page.locator("#search").fill("DHCP ACK read")
    assert page.locator("#list .row").evaluate_all(rows) == [19]
    page.locator("#search").fill("")
    assert page.locator('[data-view="brief"]').get_attribute("aria-pressed") == "true"


def test_the_slider_moves_flash_and_settings(watched: Watched, demo: Path, database: Path) -> None:
    """Both are as ``offhook state`` has them, before, in and after the commit."""
    page = watched.open(demo)
    cell = page.locator('[data-sector="48"]')
    slide(page, 60)
    assert settings(page) == {}
    assert "used" not in (cell.get_attribute("class") or "")
    slide(page, 96)
    assert settings(page) == state("1@96", db=database).settings
    assert "touched" in (cell.get_attribute("class") or "")
    assert "256 of 4,096 bytes programmed · erased 1×" in (cell.get_attribute("title") or "")
    assert watched.text("#now") == "event 96 · 5.065000 s · step 8 · 192.0.2.10"
    before = watched.text("#flash-sum")
    slide(page, 143)
    assert settings(page) == state("1@143", db=database).settings
    assert "701 of 4,096 bytes programmed" in (cell.get_attribute("title") or "")
    assert watched.text("#flash-sum") != before
    cell.click()
    assert watched.text("#sector").startswith("sector 48 · files · 0x030000 · 701 of 4,096")


def test_keys(watched: Watched, demo: Path) -> None:
    page = watched.open(demo)
    seen = []
    for key in ("g", "j", "j", "k", "]", "]", "[", "w", "G", "ArrowUp", "c"):
        page.keyboard.press(key)
        seen.append(cursor(page))
    assert seen == [1, 2, 3, 2, 28, 29, 28, 126, 143, 142, 141]
    shown = []
    for key in ("b", "b", "p", "p"):
        page.keyboard.press(key)
        shown.append(page.locator('[data-view][aria-pressed="true"]').get_attribute("data-view"))
    assert shown == ["all", "brief", "wire", "brief"]
    page.keyboard.press("?")
    assert page.locator("#help").is_visible()
    page.keyboard.press("Escape")
    assert not page.locator("#help").is_visible()
    page.locator("#slider").focus()
    page.keyboard.press("ArrowLeft")
    assert cursor(page) == 140
    outline = page.locator("#slider").evaluate("e => getComputedStyle(e).outlineStyle")
    assert outline != "none", "what has the focus can be seen"


def test_an_address_names_an_event(watched: Watched, demo: Path) -> None:
    watched.page.goto(f"{demo.as_uri()}#59")
    assert cursor(watched.page) == 59
    watched.page.evaluate("location.hash = '#18'")
    watched.page.wait_for_function("document.querySelector('#inspector .facts strong').textContent === '#18'")


def luminance(color: str) -> float:
    """Of ``rgb(r, g, b)`` (WCAG 2)."""
    parts = [int(part) / 255 for part in color[color.index("(") + 1 : -1].split(",")[:3]]
    red, green, blue = (part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_can_be_read_in_both_schemes(watched: Watched, demo: Path, scheme: Any) -> None:
    """Every colour that text has stands out from the panel by 4.5 to 1."""
    watched.page.emulate_media(color_scheme=scheme)
    page = watched.open(demo)
    color = "([name, kind]) => { const e = document.createElement('p'); e.style[kind] = `var(${name})`;"
    color += " document.body.append(e); const c = getComputedStyle(e)[kind]; e.remove(); return c; }"
    panel = luminance(page.evaluate(color, ["--panel", "backgroundColor"]))
    assert (panel > 0.5) is (scheme == "light")
    for name in ("--ink", "--soft", "--accent", "--wrong", "--good", "--in", "--out", "--flash", "--set"):
        text = luminance(page.evaluate(color, [name, "color"]))
        low, high = sorted((panel, text))
        assert (high + 0.05) / (low + 0.05) >= 4.5, name


def count_printed(page: Page) -> None:
    """Note, when it is printed, how many rows there are on paper."""
    rows = "document.querySelectorAll('#list .row').length"
    page.evaluate(f"addEventListener('beforeprint', () => {{ window.printed = {rows}; }})")


def test_it_prints(watched: Watched, demo: Path) -> None:
    """All rows, although the screen has only those in sight."""
    page = watched.open(demo)
    on_screen = page.locator("#list .row").count()
    assert on_screen < 60
    count_printed(page)
    assert page.pdf().startswith(b"%PDF")
    assert page.evaluate("window.printed") == 68
    assert page.locator("#list .row").count() == on_screen


def test_it_fits_a_narrow_window(watched: Watched, demo: Path) -> None:
    watched.page.set_viewport_size({"width": 390, "height": 800})
    page = watched.open(demo)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.click('#list [data-n="111"]')
    assert cursor(page) == 111


def test_phones_can_be_chosen(watched: Watched, database: Path) -> None:
    page = watched.open(written(database, 3))
    assert page.locator("#phone option").count() == 20
    page.select_option("#phone", "7")
    mine = page.locator("#list .row").evaluate_all("rows => rows.map(row => +row.dataset.n)")
    entries = {entry["n"]: entry["phone"] for entry in numbered(database, 3)}
    assert {entries[n] for n in mine} == {7}
    assert settings(page) == state("3", db=database, phone=7).settings


def numbered(database: Path, name: int) -> list[dict[str, int]]:
    """Number and phone of every event."""
    from tools.browse import show

    return [{"n": entry.n, "phone": entry.phone} for entry in show(str(name), db=database).entries]


def test_it_opens_at_the_run_that_failed(watched: Watched, database: Path) -> None:
    page = watched.open(written(database, 4))
    assert "run ends: failed" in watched.text("#inspector h2")
    assert "bad" in (page.locator(".card.bad").first.get_attribute("class") or "")


def test_hostile_texts_do_nothing(watched: Watched, tmp_path: Path) -> None:
    story, _ = loaded(DEMO)
    typed = tuple(
        ActionSpec(Duration(second * SECOND), "web", key, EVIL) for second, key in ((8, EVIL), (9, "NTP_ADDR"))
    )
    run(attrs.evolve(story, title=EVIL, action=typed, content=story.content), db=tmp_path / "runs.db")
    page = watched.open(written(tmp_path / "runs.db", 1))
    assert EVIL in watched.text("#about")
    page.locator("#search").fill("alert")
    assert page.locator("#list mark").count()
    assert page.locator("main img").count() == 0


@pytest.fixture(scope="module")
def long_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page of more than ten thousand events of one phone."""
    path = tmp_path_factory.mktemp("long") / "runs.db"
    story, _ = loaded(BY_NAME["provisioned-each-hour"])
    events = run(attrs.evolve(story, until=Duration(33 * 3600 * SECOND)), db=path, keep_entries=False).events
    assert 10_000 < events < MOST_EVENTS
    return written(path, 1)


def test_ten_thousand_events(watched: Watched, long_run: Path) -> None:
    """The document stays small, wherever the reader goes."""
    assert long_run.stat().st_size < 5_000_000
    page = watched.open(long_run)
    page.click('[data-view="all"]')
    most = 0
    for key in ("g", "G", "[", "w", "k"):
        page.keyboard.press(key)
        assert page.locator("#list .row.cursor").count() == 1
        most = max(most, page.locator("*").count())
    assert page.locator("#list .row").count() < 60
    assert most < 1500
    page.locator("#search").fill("HTTP 200")
    assert watched.text("#hits").split(" of ")[1].replace(",", "").isdigit()
    count_printed(page)
    page.pdf()
    assert page.evaluate("window.printed") == 2001, "two thousand, and one that says that there are more"


def test_two_runs_side_by_side(watched: Watched, database: Path) -> None:
    from emulator.log.store import Store
    from tools.browse import entries
    from tools.locate import Located
    from tools.page import diff_page

    found = diff("1", "2", db=database)
    with Store(database) as store:
        a, b = (entries(Located(store, each, None), each.events, None, ()) for each in (found.a, found.b))
        path = database.with_name("diff.html")
        path.write_bytes(diff_page(found, a, b))
    page = watched.open(path)
    first = found.differences[0]
    assert watched.text("#verdict").startswith(f"Equal up to event {found.shared}. The first difference: A #")
    assert found.causes[first.cause].text in watched.text("#verdict")
    for side, entry in (("a", first.a), ("b", first.b)):
        if entry is not None:
            assert f"#{entry.n}" in watched.text(f"#inspector-{side} .facts")
    assert page.locator("#causes li").count() == len(found.causes)
    assert page.locator("#causes li.cursor").count() == 1
    page.keyboard.press("d")
    second = page.locator("#list .row.cursor").get_attribute("data-row")
    page.keyboard.press("D")
    assert page.locator("#list .row.cursor").get_attribute("data-row") != second
    page.locator("#causes li button").last.click()
    page.locator("#list .fold").first.click()
    assert page.locator('[data-view="all"]').get_attribute("aria-pressed") == "true"
    slide_to = len(found.pairs) // 2
    slide(page, slide_to)
    assert watched.text("#now").startswith(f"row {slide_to} of ")
    page.locator("#search").fill("option 160")
    assert " of " in watched.text("#hits")
    assert page.pdf().startswith(b"%PDF")
    page.set_viewport_size({"width": 390, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_the_served_pages(browser: Browser, database: Path) -> None:
    """From the list to a run, and to two runs, and back; nothing is asked of anybody else."""
    server = Server(Pages(database), 0)
    Thread(target=server.serve_forever, daemon=True).start()
    context = browser.new_context()
    page = context.new_page()
    complaints: list[str] = []
    hosts: set[str] = set()
    page.on("console", lambda message: complaints.append(message.text))
    page.on("request", lambda request: hosts.add(request.url.split("/")[2]))
    try:
        page.goto(server.address)
        page.fill('input[name="q"]', "option-160")
        page.click("text=Search")
        page.click("text=first-boot-option-160")
        assert cursor(page) == 112
        page.click("#home")
        page.check('input[value="1"]')
        page.check('input[value="2"]')
        page.click("text=Compare")
        assert page.locator("#list .row").count()
    finally:
        context.close()
        server.shutdown()
        server.server_close()
    assert complaints == []
    assert hosts == {server.address.split("/")[2]}


def test_the_picture_of_the_readme_is_this_page(watched: Watched, demo: Path) -> None:
    """It shows what the page shows now; with OFFHOOK_PICTURES set (`make pictures`), it is drawn anew."""
    page = watched.open(demo)
    said = sha256(page.evaluate(READ_OUT).encode()).hexdigest()
    drawn = page.screenshot()
    if os.environ.get("OFFHOOK_PICTURES"):
        DOCS.mkdir(exist_ok=True)
        PICTURE.write_bytes(drawn)
        WRITTEN.write_text(json.dumps({"picture": PICTURE.name, "says": said}) + "\n", encoding="utf-8")
    assert json.loads(WRITTEN.read_text(encoding="utf-8"))["says"] == said, "`make pictures` draws it anew"
    kept = PICTURE.read_bytes()
    assert struct.unpack(">II", kept[16:24]) == struct.unpack(">II", drawn[16:24]) == (WIDTH, HEIGHT)
    assert len(kept) < LARGEST_PICTURE
