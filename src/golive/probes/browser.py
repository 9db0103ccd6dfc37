"""A page as a real browser shows it: headless Chromium, spoken to over a pipe (DevTools protocol).

Each page has a browser of its own, with an empty profile in a temporary directory, and ends with
it. Every name but the site's leads nowhere: what a page asks of others is seen, and never sent.
"""

import json
import os
import selectors
import shutil
import signal
import subprocess
import tempfile
import time
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from hashlib import sha256
from typing import Any
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from golive.endpoint import Endpoint
from golive.outcome import Unproven, Whose
from golive.probes.http import connect_tls, url_of

PROGRAM = "chromium"
_LIMIT_S = 30.0
_CHANGED = "net::ERR_NETWORK_CHANGED"
_OPENED_AT_MOST = 3
_QUIET = (
    "--headless=new",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-extensions",
    "--disable-gpu",
    "--disable-sync",
    "--mute-audio",
    "--remote-debugging-pipe",
)


@dataclass(frozen=True)
class Shown:
    """A page once it shows what was waited for, or gave up.

    `found` is how many elements match the selector; `requests` every address that was asked for,
    in order; `problems` what the console, the network and the page's policy complained of; until it
    has asked for nothing for half a second.
    """

    url: str
    found: int
    requests: tuple[str, ...]
    problems: tuple[str, ...]
    version: str

    def elsewhere(self) -> tuple[str, ...]:
        """What was asked of others than the page's own host."""
        own = urlsplit(self.url).netloc
        asked = ((each, urlsplit(each)) for each in self.requests)
        return tuple(each for each, to in asked if to.scheme != "data" and to.netloc != own)


def show(endpoint: Endpoint, path: str, selector: str, wait_s: float) -> Shown:
    """The page at `path`, for `wait_s` seconds at most until an element matches `selector`.

    Raises Unproven as `request` does; as the tool's fault where Chromium is not installed, does
    not start, or ends; as the target's where the page itself cannot be opened; and as the
    network's where an interface of this machine came or went each time that it was opened.
    """
    for _ in range(_OPENED_AT_MOST):
        # Chromium then breaks off all it loads, which says nothing of who was to answer.
        seen = _show(endpoint, path, selector, wait_s)
        if not isinstance(seen, str) and not any(_CHANGED in each for each in seen.problems):
            return seen
        if isinstance(seen, str) and seen != _CHANGED:
            raise Unproven(f"{url_of(endpoint, path)}: {seen}", Whose.TARGET)
    reason = f"this machine's network changed {_OPENED_AT_MOST} times while a page was loaded"
    raise Unproven(reason, Whose.NETWORK)


def _show(endpoint: Endpoint, path: str, selector: str, wait_s: float) -> Shown | str:
    """What is shown; or Chromium's own word for why the page cannot be opened."""
    with _browser(endpoint) as browser:
        version = str(browser.call("Browser.getVersion")["product"])
        target = browser.call("Target.createTarget", url="about:blank")["targetId"]
        attached = browser.call("Target.attachToTarget", targetId=target, flatten=True)
        browser.session = attached["sessionId"]
        for domain in ("Network", "Runtime", "Log", "Page"):
            browser.call(f"{domain}.enable")
        browser.call("Page.setLifecycleEventsEnabled", enabled=True)
        url = url_of(endpoint, path)
        if failed := browser.call("Page.navigate", url=url).get("errorText"):
            return str(failed)
        found = browser.call(
            "Runtime.evaluate",
            expression=_WAIT % (json.dumps(selector), round(wait_s * 1000)),
            awaitPromise=True,
            returnByValue=True,
        )
        browser.until_quiet()
        if "value" not in found.get("result", {}):
            raise Unproven(f"{url}: left before it was looked at: {found}", Whose.TARGET)
        return Shown(
            url=url,
            found=int(found["result"]["value"]),
            requests=tuple(browser.requests),
            problems=tuple(browser.problems),
            version=version,
        )


# Resolves with the number of elements: once there are some and the page is loaded, or in the end.
_WAIT = """new Promise((resolve) => {
  const [selector, limit] = [%s, %d];
  const count = () => document.querySelectorAll(selector).length;
  const done = () => { if (document.readyState === 'complete' && count()) resolve(count()); };
  new MutationObserver(done).observe(document, { childList: true, subtree: true });
  document.addEventListener('readystatechange', done);
  setTimeout(() => resolve(count()), limit);
  done();
})"""


class _Browser:
    """Speaks to Chromium: messages are JSON, each ended by a NUL byte."""

    def __init__(self, read: int, write: int) -> None:
        self._read, self._write = read, write
        self._received = b""
        self._number = 0
        self._quiet = False
        self._until = time.monotonic() + _LIMIT_S
        self.session: str | None = None
        self.requests: list[str] = []
        self.problems: list[str] = []

    def call(self, method: str, **parameters: object) -> dict[str, Any]:
        """What the browser answers. Raises Unproven as the tool's fault where it does not."""
        self._number += 1
        message: dict[str, object] = {"id": self._number, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        with suppress(BrokenPipeError):  # the end is noticed when it is read
            os.write(self._write, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next(method)
            if answer.get("id") == self._number:
                if "error" in answer:
                    raise Unproven(f"{PROGRAM}: {method}: {answer['error']}", Whose.TOOL)
                result: dict[str, Any] = answer["result"]
                return result
            self._notice(answer.get("method"), answer.get("params", {}))

    def until_quiet(self) -> None:
        """Return when the page has asked for nothing for half a second (networkIdle)."""
        while not self._quiet:
            answer = self._next("the end of its requests")
            self._notice(answer.get("method"), answer.get("params", {}))

    def _next(self, waiting_for: str) -> dict[str, Any]:
        while b"\0" not in self._received:
            with selectors.DefaultSelector() as selector:
                selector.register(self._read, selectors.EVENT_READ)
                if not selector.select(max(0.0, self._until - time.monotonic())):
                    raise Unproven(f"{PROGRAM}: no answer to {waiting_for}", Whose.TOOL)
            data = os.read(self._read, 65536)
            if not data:
                raise Unproven(f"{PROGRAM} ended at {waiting_for}", Whose.TOOL)
            self._received += data
        message, _, self._received = self._received.partition(b"\0")
        parsed: dict[str, Any] = json.loads(message)
        return parsed

    def _notice(self, event: str | None, about: dict[str, Any]) -> None:
        if event == "Page.lifecycleEvent":
            self._quiet |= about["name"] == "networkIdle"
        elif event == "Page.frameStartedLoading":
            self._quiet = False
        elif event == "Network.requestWillBeSent":
            self.requests.append(about["request"]["url"])
        elif event == "Network.loadingFailed":
            self.problems.append(f"not loaded: {about['errorText']}")
        elif event == "Runtime.exceptionThrown":
            details = about["exceptionDetails"]
            said = details.get("exception", {}).get("description") or details["text"]
            self.problems.append(f"exception: {said.splitlines()[0]}")
        elif event == "Runtime.consoleAPICalled" and about["type"] in ("error", "assert"):
            said = " ".join(
                str(each.get("value", each.get("description"))) for each in about["args"]
            )
            self.problems.append(f"console: {said}")
        elif event == "Log.entryAdded" and about["entry"]["level"] == "error":
            entry = about["entry"]
            self.problems.append(
                f"{entry['source']}: {entry['text']} {entry.get('url', '')}".strip()
            )


@contextmanager
def _browser(endpoint: Endpoint) -> Iterator[_Browser]:
    program = shutil.which(PROGRAM)
    if program is None:
        raise Unproven(f"{PROGRAM} is not installed (Debian: {PROGRAM})", Whose.TOOL)
    options = [*_QUIET, *_only(endpoint)]
    if os.geteuid() == 0:
        options.append("--no-sandbox")  # it refuses to run as root with one
    read, write = os.pipe(), os.pipe()  # what it reads, what it writes
    home = tempfile.mkdtemp(prefix="golive-browser-")
    command = [program, *options, f"--user-data-dir={home}"]
    shell = subprocess.Popen(
        ["bash", "-c", _RUN.format(read[0], write[1]), "bash", *command],
        pass_fds=(read[0], write[1]),
        env={**os.environ, "HOME": home},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        process_group=0,
    )
    os.close(read[0])
    os.close(write[1])
    try:
        yield _Browser(write[0], read[1])
    finally:
        os.close(read[1])
        os.close(write[0])
        try:
            shell.wait(_END_S)
        except subprocess.TimeoutExpired:
            os.killpg(shell.pid, signal.SIGKILL)
            shell.wait()
            shutil.rmtree(home, ignore_errors=True)


# The pipe is put where Chromium looks for it. At the pipe's end, which comes also when we are
# killed, Chromium ends itself; then its profile goes.
_RUN = 'timeout --foreground -k 5 120 "$@" 3<&{} 4>&{}; rm -rf -- "$HOME"'
_END_S = 10


def _only(endpoint: Endpoint) -> list[str]:
    """Options with which only the site can be reached, and where it is a replica's, trusted."""
    to = f"{endpoint.address}:{endpoint.port}"
    rules = f"MAP {endpoint.name}:{endpoint.port} {to}, MAP * ~NOTFOUND"
    options = [f"--host-resolver-rules={rules}"]
    if endpoint.roots:
        # Verified against the roots here, then named to the browser, which has roots of its own.
        with connect_tls(endpoint) as stream:
            certificate = x509.load_der_x509_certificate(
                stream.getpeercert(binary_form=True) or b""
            )
        key = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        digest = b64encode(sha256(key).digest()).decode()
        options.append(f"--ignore-certificate-errors-spki-list={digest}")
    return options
