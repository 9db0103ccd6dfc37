"""Do several installations at the same time, and show that they go on."""

import time
from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

from golive.toolchain.command import ToolchainError

Say = Callable[[str], None]

PROGRESS_S = 2.0
"""The longest silence while something is being installed."""


def together(jobs: Mapping[str, Callable[[], object]], say: Say) -> None:
    """Run all `jobs` (by what they install) at once; return when all have ended.

    `say` is called in this thread only: for each job that ends, and every PROGRESS_S
    seconds. Raises one ToolchainError with all that failed.
    """
    began = time.monotonic()
    failures: list[str] = []
    with ThreadPoolExecutor(max_workers=max(len(jobs), 1)) as pool:
        running: dict[Future[object], str] = {pool.submit(job): name for name, job in jobs.items()}
        while running:
            done, _ = wait(running, timeout=PROGRESS_S, return_when=FIRST_COMPLETED)
            elapsed_s = time.monotonic() - began
            for future in done:
                name = running.pop(future)
                error = future.exception()
                if isinstance(error, ToolchainError):
                    failures.append(str(error))
                elif error is not None:
                    raise error
                say(f"{name}: {'failed' if error else 'installed'} after {elapsed_s:.0f} s")
            if running and not done:
                say(f"still installing {', '.join(running.values())} ({elapsed_s:.0f} s)")
    if failures:
        raise ToolchainError("\n".join(dict.fromkeys(failures)))
