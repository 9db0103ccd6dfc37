"""Break the contact table of the release that the replica is taken for."""

from collections.abc import Iterator
from contextlib import contextmanager

from golive.faults.fault import Target, fault

_FEATURE = "platform/contacts.feature::"


@fault(f"{_FEATURE}<role>")
@contextmanager
def national_numbers(replica: Target) -> Iterator[None]:
    """CON-01: nobody can call from abroad: every number is in its national form."""
    with _edited(replica, "+33 6", "06"):
        yield


@fault(f"{_FEATURE}<role>[DBA]")
@contextmanager
def address_without_a_domain(replica: Target) -> Iterator[None]:
    """CON-04: the DBA's e-mail address is a local one."""
    with _edited(replica, "dba@example.org", "dba@localhost"):
        yield


@contextmanager
def _edited(replica: Target, before: str, after: str) -> Iterator[None]:
    file = replica.release.contacts
    text = file.read_text()
    try:
        file.write_text(text.replace(before, after))
        yield
    finally:
        file.write_text(text)
