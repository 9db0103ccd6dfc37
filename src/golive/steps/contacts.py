"""Judge the document's contact table."""

import re

from pytest_bdd import parsers, then

from golive.gate.evidence import EvidenceLog
from golive.release.contacts import Contacts
from golive.steps.expectation import require

# RFC 5321, 4.1.2: a dot-string, at a domain of several labels (RFC 1035, 2.3.1); no more is taken
# by all who send mail.
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_LOCAL = rf"(?=.{{1,64}}@){_ATOM}(?:\.{_ATOM})*"
_ADDRESS = re.compile(rf"{_LOCAL}@(?=.{{1,255}}$){_LABEL}(?:\.{_LABEL})+")
# E.123, 2.2 and 3: a plus sign, then digits and spaces; E.164, 6: 15 digits at most, and no
# country's code begins with 0.
_TELEPHONE = re.compile(r"\+(?=(?:\d ?){8,15}$)[1-9]\d*(?: \d+)*")


@then(
    parsers.parse(
        "the {role} has a name, an e-mail address and a telephone number in international form"
    )
)
def reachable(contacts: Contacts, evidence: EvidenceLog, role: str) -> None:
    contact = contacts.of(role)
    require(
        contact is not None,
        expected=f"a contact of the role {role}",
        actual="there is none",
        where="the contact table",
        look="less environments/contacts.yaml",
    )
    assert contact is not None  # noqa: S101 (required above)
    evidence.add("contact", contact)
    for what, value, form in (
        ("an e-mail address, local-part@domain", contact.email, _ADDRESS),
        ("a telephone number in the form +33 6 12 34 56 78", contact.telephone, _TELEPHONE),
    ):
        require(
            form.fullmatch(value) is not None,
            expected=what,
            actual=value,
            where=f"the {role} in the contact table",
            look="less environments/contacts.yaml",
        )
