"""Break the contact table of the release that the replica is taken for."""

from collections.abc import Iterator
from contextlib import contextmanager

from golive.faults.fault import Target, fault
from golive.faults.files import edited_file

_FEATURE = "08_support_team/contacts.feature::"


@fault(f"{_FEATURE}<role>")
@contextmanager
def national_numbers(replica: Target) -> Iterator[None]:
    """CON-01: nobody can call from abroad: every number is in its national form."""
    numbers = ((f"+33 6 00 00 00 0{n}", f"06 00 00 00 0{n}") for n in range(5))
    with edited_file(replica.release.contacts, *numbers):
        yield


@fault(f"{_FEATURE}<role>[DBA]")
@contextmanager
def address_without_a_domain(replica: Target) -> Iterator[None]:
    """CON-04: the DBA's e-mail address is a local one."""
    with edited_file(replica.release.contacts, ("dba@example.org", "dba@localhost")):
        yield
