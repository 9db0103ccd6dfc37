"""Contacts: what is reachable in form, and what is not."""

import pytest

from golive.gate.evidence import EvidenceLog
from golive.release.contacts import Contact, Contacts
from golive.steps.contacts import reachable

GOOD = {"role": "DBA", "name": "x", "email": "dba@example.org", "telephone": "+33 6 12 34 56 78"}


def judge(role="DBA", **changed):
    contact = Contact(**(GOOD | changed))
    table = Contacts.model_construct(contacts=(contact,), allowed_signers=None)
    reachable(table, EvidenceLog(), role)


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"email": "o'neill+x.y@mail.example.co.uk"},
        {"telephone": "+33612345678"},
        {"telephone": "+1 212 555 0100"},
        {"telephone": "+352 621 123 456"},
    ],
)
def test_reachable(changed):
    judge(**changed)


@pytest.mark.parametrize(
    "changed",
    [
        {"email": "dba"},
        {"email": "dba@localhost"},
        {"email": "d ba@example.org"},
        {"email": "dba@example..org"},
        {"email": ".dba@example.org"},
        {"email": "DBA <dba@example.org>"},
        {"email": f"{'x' * 65}@example.org"},
        {"telephone": "06 12 34 56 78"},
        {"telephone": "0033 6 12 34 56 78"},
        {"telephone": "+33 (0)6 12 34 56 78"},
        {"telephone": "+0 612345678"},
        {"telephone": "+33 6 12"},
        {"telephone": "+33 6 12 34 56 78 90 12 34 5"},
        {"telephone": "+33 6 12 34 56 78 "[:-1] + " ext. 3"},
    ],
)
def test_not_reachable(changed):
    with pytest.raises(AssertionError, match=next(iter(changed.values()))[:3].replace("+", r"\+")):
        judge(**changed)


def test_a_role_that_nobody_has():
    with pytest.raises(AssertionError, match="expected: a contact of the role CEO"):
        judge(role="CEO")
