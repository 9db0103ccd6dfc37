"""Host names that the environment gives an address for: what files and servers tell us of, such
as MongoDB of its members, is found there and not asked of the machine's name service.
"""

import socket
from collections.abc import Mapping
from typing import Any

_asked = socket.getaddrinfo
_addresses: dict[str, str] = {}


def resolve(addresses: Mapping[str, str]) -> None:
    """From now on, in this process, these names have these addresses; others are as ever."""
    _addresses.clear()
    _addresses.update(addresses)
    socket.getaddrinfo = _getaddrinfo


def _getaddrinfo(host: Any, *arguments: Any, **options: Any) -> Any:  # noqa: ANN401 (as it is)
    return _asked(_addresses.get(host, host), *arguments, **options)
