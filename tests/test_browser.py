"""The browser of the handout and the tests: it is found, starts, and reaches only this machine."""

import http.server
import threading

import pytest
from playwright.sync_api import Error

from srgan_lib.tools import browser


@pytest.fixture
def chromium():
    if browser.find_chromium() is None:
        pytest.skip(f"no Chromium: {browser.ADVICE}")


@pytest.fixture
def server(tmp_path):
    """Address of a page on this machine."""
    (tmp_path / "index.html").write_text("<title>here</title>")

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *args):
            super().__init__(*args, directory=str(tmp_path))

        def log_message(self, *args):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Quiet) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield running.server_port
        running.shutdown()


def test_files_and_this_machine_are_reached_and_nothing_else(chromium, server, tmp_path):
    with browser.open_browser() as opened:
        page = opened.new_page()
        for address in (
            (tmp_path / "index.html").as_uri(),
            f"http://127.0.0.1:{server}/",
            f"http://localhost:{server}/",
        ):
            page.goto(address)
            assert page.title() == "here"
        # 127.0.0.2 is this machine too, so only the browser's own rule can be what refuses it.
        for address in (f"http://127.0.0.2:{server}/", "http://example.org/"):
            with pytest.raises(Error, match="ERR_NAME_NOT_RESOLVED"):
                page.goto(address)


def test_the_variable_comes_first_and_has_to_name_a_program(monkeypatch, tmp_path):
    program = tmp_path / "my-chromium"
    program.write_text("#!/bin/sh\nexit 3\n")
    program.chmod(0o755)
    monkeypatch.setenv("SRGAN_CHROMIUM", str(program))
    assert browser.find_chromium() == str(program)
    words = r"my-chromium does not start .*apt-get install"
    with pytest.raises(browser.BrowserError, match=words), browser.open_browser():
        pass
    monkeypatch.setenv("SRGAN_CHROMIUM", str(tmp_path / "none"))
    with pytest.raises(browser.BrowserError, match=r"SRGAN_CHROMIUM is .*none"):
        browser.find_chromium()


def test_without_a_chromium_one_sentence_says_how_to_get_one(monkeypatch, tmp_path):
    monkeypatch.delenv("SRGAN_CHROMIUM", raising=False)
    monkeypatch.setattr(browser, "NAMES", ())
    monkeypatch.setenv("PLAYWRIGHT_BROWSERS_PATH", str(tmp_path))
    assert browser.find_chromium() is None
    words = r"no Chromium: get .*playwright install"
    with pytest.raises(browser.BrowserError, match=words), browser.open_browser():
        pass
