"""Bad records and bad sign-offs, each refused with its own message."""

from datetime import UTC, datetime, timedelta

import pytest

from golive.checklist import Scenario
from golive.gate.evidence import EvidenceLog
from golive.gate.measurements import Measurements
from golive.located_yaml import FileError
from golive.outcome import Unproven
from golive.probes.commits import tag
from golive.release.record import SignOff, Waiver
from golive.release.signature import REPORT, sign
from golive.release.waivers import refusal
from golive.steps.sign_offs import Asked, require_signed

NOW = datetime.now(UTC).replace(microsecond=0)
KNOWN = {
    "items": ["02", "08", "09", "10"],
    "statements": ["DEP-04", "DEP-07", "DEP-15", "RBK-02", "RDS-02", "NGX-31", "NGX-10"],
    "scenarios": ["a.feature::x"],
}


def text(before, after):
    """A record in which some text is another."""

    def change(signed):
        whole = signed.record.read_text()
        assert before in whole
        signed.record.write_text(whole.replace(before, after, 1))

    return change


def fields(**changed):
    """A record in which fields are other ones; None takes one away."""

    def change(signed):
        data = {**signed.data, **changed}
        signed.write({name: value for name, value in data.items() if value is not None})

    return change


def sign_off(**changed):
    """A record whose first sign-off is another; None takes a field of it away."""

    def change(signed):
        data = signed.data
        first = {**data["sign_offs"][0], **changed}
        data["sign_offs"][0] = {n: value for n, value in first.items() if value is not None}
        signed.write(data)

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (text("tag:", "tog:"), "1: tog: unknown name; did you mean 'tag'?"),
        (fields(tag=None), "1: tag: is missing"),
        (fields(tag="1.2.3"), "1: tag: must match pattern '^v"),
        (fields(tag="v1.2.4"), "1: tag: the file of this release must be called v1.2.4.yaml"),
        (fields(commit="abc123"), "2: commit: must match pattern '^([0-9a-f]{40}"),
        (fields(commit=1234567), "2: commit: put it in quotes, or YAML takes it for a number"),
        (fields(repository="/nowhere"), "3: repository: no such directory: '/nowhere'"),
        (fields(tests=None), "1: tests: is missing"),
        (fields(tests={"unit": "u.xml", "e2e": "e.xml"}), "5: tests.integration: is missing"),
        (fields(sign_offs={"02": "ok"}), "10: sign_offs: must be a valid tuple"),
        (text("'02'", "02"), "sign_offs.0.item: put it in quotes, or YAML takes it for a number"),
        (sign_off(item="13"), "sign_offs.0.item: neither an item of the checklist nor a statement"),
        (sign_off(role="CEO"), "sign_offs.0.role: no such role; known: DevOps Lead, Backend Lead"),
        (sign_off(evidence=None), "sign_offs.0.evidence: is missing"),
        (sign_off(evidence="I was there"), "sign_offs.0.evidence: must match pattern '^https?:"),
        (sign_off(date="2026-11-22"), "sign_offs.0.date: must have timezone info"),
        (sign_off(date="soon"), "sign_offs.0.date: must be a valid datetime"),
        (sign_off(signature=None), "sign_offs.0.signature: is missing"),
        (
            sign_off(applicable=False),
            "sign_offs.0: applicable is false: the note must say why it is not needed",
        ),
        (text("tag: ", "tag: [v1\nx: "), "not YAML: "),
        (text("stack:", "notes: x\nnotes: y\nstack:"), "5: notes: given twice, first on line 4"),
    ],
)
def test_a_record_that_is_wrong(signed, load, change, message):
    change(signed)

    with pytest.raises(FileError) as refused:
        load(signed, **KNOWN)

    assert message in str(refused.value)
    assert str(refused.value).startswith(f"{signed.record}:")


def test_all_that_is_wrong_is_told_at_once(signed, load):
    fields(commit="x", tests={}, notse="")(signed)

    with pytest.raises(FileError) as refused:
        load(signed)

    assert len(refused.value.problems) == 5
    assert all(problem.line for problem in refused.value.problems)


def waiver(**changed):
    """A record with a waiver of NGX-31, signed again unless the signature itself is changed."""

    def change(signed):
        by = changed.pop("key", "Security Officer")
        statement = {
            "statement": "NGX-31",
            "release": signed.tag,
            "commit": signed.data["commit"],
            "role": "Security Officer",
            "date": NOW.isoformat(),
            "reason": "the proxy in front adds it",
            "expires": str((NOW + timedelta(days=10)).date()),
            **changed,
        }
        statement = {name: value for name, value in statement.items() if value is not None}
        if "signature" not in changed:
            statement = signed.signed(statement, signed.key(by), Waiver)
        elif statement.get("signature") == "of another text":
            other = {**statement, "reason": "?"}
            statement["signature"] = signed.signed(other, signed.key(by), Waiver)["signature"]
        signed.write({**signed.data, "waivers": [statement]})

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (waiver(expires="2020-01-01"), "waivers.0: expired on 2020-01-01"),
        (waiver(signature=None), "waivers.0.signature: is missing"),
        (waiver(expires=None, signature="x"), "waivers.0.expires: is missing"),
        (waiver(signature="of another text"), "the signature is none of this text: Signature"),
        (waiver(signature="yes"), "the signature is none of this text: Couldn't parse signature"),
        (waiver(key="DBA"), "waivers.0: not signed by the Security Officer: ED25519 SHA256:"),
        (waiver(key="stranger"), "is the key of nobody"),
        (waiver(statement="NGX-10"), "waivers.0: s.feature::strict is @unwaivable"),
        (waiver(statement="NGX-99"), "waivers.0: there is no statement NGX-99"),
        (waiver(statement=None, scenario="a::b"), "waivers.0: there is no scenario a::b"),
        (waiver(scenario="a.feature::x", signature="x"), "must name a statement, or else a scen"),
        (waiver(release="v0.9.0"), "waivers: of another release or commit: NGX-31 (v0.9.0)"),
    ],
)
def test_a_waiver_that_is_refused(signed, load, change, message):
    change(signed)
    scenarios = [
        Scenario("s.feature::strict", "strict", "s:1", ("NGX-10",), True, waivable=False),
        Scenario("s.feature::header", "header", "s:2", ("NGX-31",), True),
    ]

    with pytest.raises(FileError) as refused:
        load(signed, **KNOWN, refuse=refusal(signed.directory / "allowed_signers", scenarios))

    assert message in str(refused.value)
    assert str(refused.value).startswith(f"{signed.record}:")


def judged(signed, load, item, role, *, optional=False):
    asked = Asked(item, (role,), timedelta(days=30), optional)
    require_signed(load(signed), Measurements(), EvidenceLog(), asked)


def again(item, key=None, **changed):
    """A record in which the sign-offs of an item are other ones, and are signed as such."""
    return lambda signed: signed.write(
        signed.with_sign_off(item, key and signed.key(key), **changed)
    )


def spoilt(item, **changed):
    """A record in which the sign-offs of an item were changed after they were signed."""

    def change(signed):
        data = signed.data
        for each in data["sign_offs"]:
            if each["item"] == item:
                each |= changed
        signed.write(data)

    return change


def no_longer_a_signer(signed):
    file = signed.directory / "allowed_signers"
    file.write_text(
        file.read_text().replace(
            'devops-lead namespaces="golive,',
            'devops-lead valid-before="20200101",namespaces="golive,',
        )
    )


def tag_is_gone(signed):
    signed.git("tag", "--delete", signed.tag)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (again("08", key="DBA"), "the key is that of dba, not of the DevOps Lead"),
        (again("08", key="stranger"), "nobody's key: ED25519 SHA256:"),
        (no_longer_a_signer, "is not among the allowed signers, or no longer"),
        (again("08", release="v1.2.2"), "it is for the release v1.2.2"),
        (again("08", commit="0" * 40), "it is for the commit 000000000000, not "),
        (again("08", date=(NOW - timedelta(days=1)).isoformat()), ", before the tag ("),
        (again("08", date=(NOW - timedelta(days=40)).isoformat()), "expired: made 40 days ago"),
        (again("08", date=(NOW + timedelta(days=1)).isoformat()), "dated in the future: "),
        (again("08", applicable=False, note="x"), "it says that this is not needed"),
        (spoilt("08", note="and more"), "none of this text: Signature verification failed"),
        (spoilt("08", evidence="https://example.org/other"), "Signature verification failed"),
        (spoilt("08", signature="yes, yes"), "none of this text: Couldn't parse signature"),
        (tag_is_gone, "the tag v1.2.3 does not exist"),
    ],
)
def test_a_sign_off_that_is_refused(signed, load, change, message):
    judged(signed, load, "08", "DevOps Lead")  # it was good
    change(signed)

    with pytest.raises(AssertionError) as refused:
        judged(signed, load, "08", "DevOps Lead")

    assert message in str(refused.value)
    assert "expected: 08 of v1.2.3, signed off by the DevOps Lead" in str(refused.value)


def test_a_sign_off_of_another_namespace_is_none(signed, load):
    data = signed.data
    for each in data["sign_offs"]:
        if each["item"] == "08":
            bytes_ = SignOff.model_validate(each).text()
            each["signature"] = sign(signed.key("DevOps Lead"), bytes_, REPORT)
    signed.write(data)

    with pytest.raises(AssertionError, match="namespace does not match"):
        judged(signed, load, "08", "DevOps Lead")


def test_a_signature_of_a_sign_off_is_none_of_a_waiver():
    statement = {"release": "v1.2.3", "commit": "0" * 40, "role": "DBA", "date": NOW}
    one = SignOff(item="08", evidence="https://x.org", signature="-", **statement)
    other = Waiver(statement="08", reason="x", expires=NOW.date(), signature="-", **statement)
    assert one.text() != other.text()
    assert b'"golive": "sign-off"' in one.text()
    assert b'"golive": "waiver"' in other.text()


def test_what_nobody_has_signed_is_unproven(signed, load):
    data = signed.data
    data["sign_offs"] = [each for each in data["sign_offs"] if each["item"] != "08"]
    signed.write(data)

    with pytest.raises(Unproven, match=r"08 of v1\.2\.3 is not signed off by the DevOps Lead: gol"):
        judged(signed, load, "08", "DevOps Lead")


def test_another_role_cannot_sign_instead(signed, load):
    with pytest.raises(Unproven, match=r"by the DBA \(DevOps Lead has, who cannot for them\)"):
        judged(signed, load, "08", "DBA")


def test_the_newest_sign_off_of_a_role_counts(signed, load):
    data = signed.data
    (first,) = (each for each in data["sign_offs"] if each["item"] == "08")
    later = datetime.fromisoformat(first["date"]) + timedelta(minutes=1)
    newer = {**first, "date": later.isoformat(), "note": "looked again"}
    data["sign_offs"].append(signed.signed(newer, signed.key("DevOps Lead")))
    first["note"] = "spoilt"
    signed.write(data)

    judged(signed, load, "08", "DevOps Lead")


def test_what_may_be_needless_may_be_said_to_be(signed, load):
    again("09", applicable=False, note="nothing changes for users")(signed)

    judged(signed, load, "09", "DevOps Lead", optional=True)
    with pytest.raises(AssertionError, match="it says that this is not needed"):
        judged(signed, load, "09", "DevOps Lead")


def test_without_ssh_keygen_nothing_is_said(signed, load, monkeypatch):
    release = load(signed)
    measurements = Measurements()
    measurements.result(tag, release.record.repository, release.record.tag)
    monkeypatch.setenv("PATH", "/nowhere")

    with pytest.raises(Unproven, match="ssh-keygen cannot be run") as raised:
        require_signed(
            release,
            measurements,
            EvidenceLog(),
            Asked("08", ("DevOps Lead",), timedelta(days=30)),
        )

    assert raised.value.whose == "tool"
