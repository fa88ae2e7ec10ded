"""Chromium without a screen and without a network, for the PDF of the handout and for tests."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Error, sync_playwright

from ...errors import SRGANError

NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome", "chrome")
ADVICE = "get Chromium with `apt-get install chromium` or `playwright install chromium`"
OFFLINE = (
    # No name and no address leads anywhere except to this machine, where JupyterLab may run ...
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1",
    "--no-proxy-server",  # ... and no proxy is asked to look a name up instead.
    "--disable-background-networking",
)


class BrowserError(SRGANError):
    """There is no Chromium, or it cannot be started."""


def find_chromium() -> str | None:
    """Path of a Chromium or Chrome, or None if there is none.

    Looked for in this order: the variable SRGAN_CHROMIUM, the usual names on the PATH, and the
    browser that `playwright install chromium` downloads.

    Raises:
        BrowserError: SRGAN_CHROMIUM is set and names no program.
    """
    if named := os.environ.get("SRGAN_CHROMIUM"):
        if found := shutil.which(named):
            return found
        raise BrowserError(f"SRGAN_CHROMIUM is {named}, which is not a program: {ADVICE}.")
    if found := next(filter(None, map(shutil.which, NAMES)), None):
        return found
    with sync_playwright() as playwright:
        own = playwright.chromium.executable_path
    return own if Path(own).is_file() else None


@contextmanager
def open_browser(*arguments: str) -> Iterator[Browser]:
    """A headless Chromium that reaches files and this machine's own servers, and nothing else.

    Args:
        arguments: more options for Chromium's command line.

    Raises:
        BrowserError: there is no Chromium, or it does not start.
    """
    program = find_chromium()
    if program is None:
        raise BrowserError(f"There is no Chromium: {ADVICE}.")
    with sync_playwright() as playwright:
        try:
            browser = playwright.chromium.launch(
                executable_path=program, args=[*OFFLINE, *arguments]
            )
        except Error as error:
            reason = error.message.strip().splitlines()[0]
            raise BrowserError(f"{program} does not start ({reason}): {ADVICE}.") from error
        try:
            yield browser
        finally:
            browser.close()
