"""What a run of the gate was asked for."""

from dataclasses import dataclass
from pathlib import Path

from golive.environment import Environment
from golive.gate.features import Features


@dataclass(frozen=True)
class Plan:
    """What a run was asked for. `elsewhere` are the other environments of the project.

    `replica` is the number of the running one to use, None where that is not said. `smoke`:
    only what a smoke test looks at is judged.
    """

    features: Features
    environment: Environment
    elsewhere: tuple[Environment, ...]
    fresh: bool
    replica: int | None
    report_dir: Path
    sign_key: Path | None
    clients_start: int
    smoke: bool
