"""`python -m golive.toolchain`: install what is missing; silent where all is there."""

import sys

from golive.toolchain import ToolchainError, ensure


def main() -> int:
    """Exit status: 0 all is installed, 1 it is not; standard error says why."""
    try:
        ensure(lambda line: print(line, file=sys.stderr, flush=True))  # noqa: T201
    except ToolchainError as error:
        print(f"golive: {error}", file=sys.stderr)  # noqa: T201
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
