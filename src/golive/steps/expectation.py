"""How a step says that something is not as it must be, so that a person can act on it."""


def require(holds: bool, *, expected: object, actual: object, where: object, look: str) -> None:
    """Return if it `holds`; else raise AssertionError with all that a person needs.

    `where` is what was looked at, `look` a command or a place to see for oneself.
    """
    if not holds:
        raise AssertionError(
            f"expected: {expected}\n  actual: {actual}\n   where: {where}\n    look: {look}"
        )


def listed(values: object) -> str:
    """Several values in one line of a message; `none` where there are none."""
    return (
        ", ".join(map(str, values)) or "none" if isinstance(values, list | tuple) else str(values)
    )


def column(datatable: list[list[str]]) -> list[str]:
    """The single column of a step's table."""
    return [row[0] for row in datatable]
