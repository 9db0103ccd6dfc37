"""Which application server answered which request: what nginx writes, as it writes it."""

import json
from collections import Counter
from pathlib import Path

from golive.outcome import Unproven, Whose


class AccessLog:
    """The requests that nginx has logged since this was made, or `answered` was last asked."""

    def __init__(self, file: Path) -> None:
        self._file = file
        try:
            self._at = file.stat().st_size
        except OSError as error:
            raise Unproven(f"{file}: {error.strerror}", Whose.TARGET) from error

    def answered(self) -> Counter[str]:
        """How many requests each address has answered since. Raises Unproven."""
        with self._file.open("rb") as file:
            file.seek(self._at)
            text = file.read()
        whole = text[: text.rfind(b"\n") + 1]
        self._at += len(whole)
        try:
            upstreams = [json.loads(line)["upstream"] for line in whole.splitlines()]
        except (ValueError, KeyError, TypeError) as error:
            raise Unproven(
                f"{self._file}: not JSON lines that say which upstream answered: {error!r}",
                Whose.TARGET,
            ) from error
        # Of several that were tried, in this order, the last one answered.
        last = (each.replace(" : ", ", ").split(", ")[-1] for each in upstreams)
        return Counter(each.partition(":")[0] for each in last if each != "-")
