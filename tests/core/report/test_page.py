"""The report page: everything is on it, nothing on it is anybody's markup, and it needs no network."""

import re
import shutil
import subprocess
from dataclasses import replace
from html.parser import HTMLParser
from urllib.parse import quote

import pytest

from tests.core.report.examples import a_summary, what_parts_say
from transforms.core.memory_use import MemoryUse
from transforms.core.merging import Merged
from transforms.core.report.page import report_page
from transforms.core.summary import Counts

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome", "microsoft-edge")
VOID = {"meta"}


class Reader(HTMLParser):
    """Reads a page as a browser does: texts, and whether what opens also closes."""

    def __init__(self):
        super().__init__()
        self.stack, self.tags, self.texts, self.links = [], [], [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.links += [value for key, value in attrs if key in ("src", "href", "xlink:href", "action")]
        if tag not in VOID:
            self.stack.append(tag)

    def handle_endtag(self, tag):
        assert self.stack.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)


def read(page):
    reader = Reader()
    reader.feed(page)
    assert reader.stack == []
    return reader


def test_everything_a_reader_looks_for_is_on_the_page():
    text = "\n".join(read(report_page(a_summary(), what_parts_say())).texts)
    wanted = ["ingest", "failed", "499,880", "70.0 MB", "threshold: start + 200 MiB", "LoadChunks", "31.2 s", "bad.csv"]
    wanted += ["exit code 1", "type integer", "19"]
    wanted += [
        "hornbeam ingest --source='examples/*.csv' --retry=runs/one",
        "duckdb:///out.duckdb",
        "3.11.7",
        "planned",
    ]
    assert [word for word in wanted if word not in text] == []


def test_the_page_needs_no_network_and_no_script():
    page = report_page(a_summary(), what_parts_say())
    reader = read(page)
    assert reader.links == []
    assert not {"script", "link", "img", "iframe"} & set(reader.tags)
    assert not re.search(r"https?://|url\(|@import", page)


def test_no_text_becomes_markup():
    evil = '"><script>alert(1)</script><b onmouseover=x>&amp;'
    summary = replace(
        a_summary(),
        pipeline=evil,
        settings={evil: evil},
        details={evil: evil, "list": [{evil: evil}]},
        output=evil,
        steps=tuple(step._replace(name=evil) for step in a_summary().steps),
        next_steps=tuple(step._replace(command=evil) for step in a_summary().next_steps),
    )
    reader = read(report_page(summary, what_parts_say()._replace(rejects=({evil: evil},))))
    assert not {"script", "b onmouseover"} & set(reader.tags)
    assert evil in reader.texts


@pytest.mark.parametrize("status", ["completed", "interrupted", "planned"])
def test_a_run_with_nothing_in_it_has_a_page_too(status):
    empty = Merged(Counts(), Counts(), None)
    bare = {"steps": (), "details": {}, "error": None, "next_steps": (), "rows": None, "memory": MemoryUse()}
    page = report_page(replace(a_summary(), status=status, seconds=0.0, items=Counts(), bytes=Counts(), **bare), empty)
    assert "Failures" not in read(page).texts


@pytest.mark.skipif(not any(map(shutil.which, BROWSERS)), reason="no headless browser on this machine")
def test_a_headless_browser_draws_the_page(tmp_path):
    browser = next(found for found in map(shutil.which, BROWSERS) if found)
    page = tmp_path / "report with space.html"
    page.write_text(report_page(a_summary(), what_parts_say()), encoding="utf-8")
    shot = tmp_path / "shot.png"
    flags = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--hide-scrollbars"]
    flags += [f"--user-data-dir={tmp_path / 'profile'}", "--window-size=1080,1600"]
    address = f"file://{quote(str(page))}"
    subprocess.run([browser, *flags, f"--screenshot={shot}", address], check=True, timeout=120, capture_output=True)
    assert shot.stat().st_size > 50_000, "an empty page makes a small picture"
    dump = subprocess.run([browser, *flags, "--dump-dom", address], check=True, timeout=120, capture_output=True)
    dom = dump.stdout.decode()
    assert dom.count("<polyline") == 2
    assert dom.count('class="bar"') == 2
    assert "<script" not in dom
