"""What was seen while a scenario ran: its steps, and what each step found."""

import json
import time
from typing import Any

from pydantic_core import to_jsonable_python

PROPERTY = "evidence"
STEP = "step"


class EvidenceLog:
    """The evidence of one scenario, in order: each step, then what was found in it."""

    def __init__(self) -> None:
        self._entries: list[dict[str, Any]] = []
        self._step: dict[str, Any] | None = None
        self._began = 0.0
        self.proven = False  # whether a Then has passed

    def add(self, what: str, value: object) -> None:
        """Keep `value` (data, dataclasses, dates, paths ...) under the name `what`.

        Raises PydanticSerializationError for what JSON cannot hold.
        """
        value = to_jsonable_python(value, inf_nan_mode="strings", bytes_mode="base64")
        self._entries.append({"what": what, "value": value})

    def begin_step(self, keyword: str, text: str, where: str) -> None:
        """A step begins; what is added from now on was found in it."""
        self._step = {"keyword": keyword, "text": text, "where": where}
        self._began = time.perf_counter()
        self._entries.append({"what": STEP, "value": self._step})

    def end_step(self, outcome: str, *, proves: bool = False) -> None:
        """The step that began last ended; nothing to do if it had ended already."""
        if self._step is not None:
            self._step["outcome"] = outcome
            self._step["duration_s"] = round(time.perf_counter() - self._began, 4)
            self._step = None
            self.proven |= proves

    @property
    def here(self) -> str | None:
        """The step that has begun and not ended: where it stands, and its words."""
        step = self._step
        return f"{step['where']} ({step['keyword']} {step['text']})" if step else None

    def properties(self) -> list[tuple[str, object]]:
        """For `user_properties` of a pytest item: text, to survive xdist and JUnit."""
        return [(PROPERTY, json.dumps(entry, ensure_ascii=False)) for entry in self._entries]
