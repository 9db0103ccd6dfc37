"""A program: an OpenAPI document on standard input, a JSON list of what is wrong with it."""

import json
import sys
from collections.abc import Iterator
from typing import Any

from openapi_spec_validator.shortcuts import get_validator_cls
from openapi_spec_validator.validation.exceptions import ValidatorDetectError
from referencing.exceptions import Unresolvable


def main() -> None:
    """Read, validate, answer."""
    json.dump(list(_problems(json.load(sys.stdin))), sys.stdout)


def _problems(document: dict[str, Any]) -> Iterator[str]:
    """Every problem; of a reference to nowhere the first one, which ends the search."""
    try:
        for error in get_validator_cls(document)(document).iter_errors():
            where = "/".join(map(str, error.absolute_path)) or "the document"
            yield f"{where}: {error.message.splitlines()[0]}"  # then comes the whole document
    except ValidatorDetectError:
        yield f"OpenAPI {document.get('openapi')!r}: no such version"
    except Unresolvable as error:
        yield f"{error.ref}: a reference to nowhere"


if __name__ == "__main__":
    main()
