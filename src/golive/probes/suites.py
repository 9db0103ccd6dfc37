"""Run the application's own tests, on the sources of its stack, and read what they report."""

import os
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path

from golive import cache
from golive.outcome import Unproven, Whose
from golive.probes import test_reports
from golive.probes.test_reports import TestReport
from golive.replica.state import digest
from golive.toolchain import npm

_REPORTER = "./test/junit.js"
_WITHIN_S = 120  # for what hangs: they take seconds
_KEPT = 20  # reports that the cache remembers


@dataclass(frozen=True)
class Site:
    """What end-to-end tests are run against: `url` as users see it, where that is, and from where.

    `roots` is a PEM file of trusted roots; None for the system's.
    """

    url: str
    address: str
    source: str | None
    roots: Path | None


def run(app: Path, suite: str, site: Site | None = None) -> TestReport:
    """What the suite of the application in `app` reports.

    One that needs no site is run once for its sources: a report of exactly these files in which
    nothing failed is remembered. Raises Unproven.
    """
    if not (app / "test" / suite).is_dir():
        raise Unproven(f"{app} has no test/{suite}", Whose.TARGET)
    if site is not None:
        return test_reports.parse(_output(app, suite, _environment(site)), app / "test" / suite)
    directory = cache.root() / "suites"
    directory.mkdir(exist_ok=True)
    remembered = directory / f"{digest(app)}-{npm.node_entry()}-{suite}.xml"
    with cache.locked(directory / f".{suite}.lock"):
        if remembered.is_file():
            return test_reports.read(remembered)
        text = _output(app, suite, {})
        report = test_reports.parse(text, app / "test" / suite)
        if report.ran and not report.failed:
            making = remembered.with_suffix(".making")
            making.write_bytes(text)
            making.rename(remembered)
            _forget_the_oldest(directory)
        return report


def _environment(site: Site) -> dict[str, str]:
    variables = {"E2E_URL": site.url, "E2E_ADDRESS": site.address, "E2E_SOURCE": site.source}
    if site.roots is not None:
        variables["NODE_EXTRA_CA_CERTS"] = str(site.roots)
    return {name: value for name, value in variables.items() if value}


def _output(app: Path, suite: str, variables: dict[str, str]) -> bytes:
    node = npm.node(cache.root() / npm.node_entry())
    modules = npm.node_modules(cache.root() / npm.entry_name("application", app, npm.node_entry()))
    for needed in (node, modules):
        if not needed.exists():
            raise Unproven(f"{needed} is not installed: golive up installs it", Whose.TOOL)
    # setpriv: the kernel ends it when we end, however we do.
    command = ["setpriv", "--pdeathsig", "KILL", "--", node, "--test"]
    with subprocess.Popen(
        [*map(str, command), f"--test-reporter={_REPORTER}", f"test/{suite}"],
        cwd=app,
        env={**os.environ, **variables, "NODE_PATH": str(modules), "SUITE": suite},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    ) as tests:
        try:
            output, said = tests.communicate(timeout=_WITHIN_S)
        except subprocess.TimeoutExpired as error:
            os.killpg(tests.pid, signal.SIGKILL)
            reason = f"the {suite} tests of {app} did not end within {_WITHIN_S} s"
            raise Unproven(reason, Whose.TARGET) from error
    if not output.strip():
        last = said.decode(errors="replace").strip()[-300:]
        reason = f"the {suite} tests of {app}: status {tests.returncode}, no report: {last}"
        raise Unproven(reason, Whose.TOOL)
    return output


def _forget_the_oldest(directory: Path) -> None:
    newest_first = sorted(directory.glob("*.xml"), key=lambda f: f.stat().st_mtime, reverse=True)
    for file in newest_first[_KEPT:]:
        file.unlink(missing_ok=True)
