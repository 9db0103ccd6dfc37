"""golive release, sign and waive: what they write, and what they leave alone."""

from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from golive.cli import main
from golive.located_yaml import FileError
from golive.probes.sign_offs import signed as looked_at
from golive.release.scaffold import added, create

ROOT = Path(__file__).parents[2]
ENTRY = {"item": "08", "signature": "-----BEGIN\nabc\n-----END\n"}


def run(*arguments, given=""):
    return CliRunner().invoke(main, [str(each) for each in arguments], input=given)


@pytest.mark.parametrize(
    "before",
    [
        "tag: v1\nsign_offs: []\nnotes: x  # kept\n",
        "tag: v1\nsign_offs: []   # nobody yet\nnotes: x  # kept\n",
        "tag: v1\nsign_offs:\nnotes: x  # kept\n",
        "tag: v1\nnotes: x  # kept\n",
        "tag: v1\nsign_offs:\n- item: '02'\n  signature: z\nnotes: x  # kept\n",
        "tag: v1\nsign_offs:\n  # the leads\n  - item: '02'\n    note: z\nnotes: x  # kept\n",
    ],
)
def test_an_entry_is_added_and_all_else_stays(before):
    after = added(before, "sign_offs", ENTRY, Path("f"))

    data, was = yaml.safe_load(after), yaml.safe_load(before)
    assert data["sign_offs"] == [ENTRY, *(was.get("sign_offs") or [])]
    assert {n: v for n, v in data.items() if n != "sign_offs"} == {
        n: v for n, v in was.items() if n != "sign_offs"
    }
    assert "x  # kept" in after
    again = added(after, "sign_offs", {"item": "09"}, Path("f"))
    assert yaml.safe_load(again)["sign_offs"] == [{"item": "09"}, *data["sign_offs"]]


@pytest.mark.parametrize("text", ["sign_offs: [{item: '02'}]\n", "sign_offs: {a: b}\n"])
def test_what_cannot_be_added_to_is_told_with_its_line(text):
    with pytest.raises(FileError, match=r"^f:1: sign_offs: "):
        added(text, "sign_offs", ENTRY, Path("f"))


def test_a_record_is_begun_for_a_tag_and_loads(signed, load):
    path = create(signed.tag, signed.directory / "releases", signed.repository)
    assert path.name == "v1.2.3.yaml"
    signed.record.write_text(path.read_text())
    begun = load(signed).record
    assert (begun.tag, begun.commit) == (signed.tag, signed.git("rev-parse", "HEAD").strip())
    assert begun.sign_offs == ()
    with pytest.raises(FileError, match="is there already, and is left as it is"):
        create(signed.tag, signed.directory / "releases", signed.repository)
    with pytest.raises(FileError, match=r"there is no tag v9\.9\.9: git tag"):
        create("v9.9.9", signed.directory / "releases", signed.repository)


@pytest.fixture
def desk(signed, monkeypatch):
    """The example as `golive sign` would find it, without what was signed."""
    monkeypatch.chdir(ROOT)
    data = signed.data
    del data["sign_offs"]
    signed.write(data)

    def golive(verb, what, *options, role="DevOps Lead", given=""):
        where = ("--release", signed.record, "--contacts", signed.contacts)
        return run(verb, what, *where, "--key", signed.key(role), *options, given=given)

    return golive


def test_an_item_is_signed_with_what_is_asked_for(desk, signed, load):
    done = desk("sign", "08", given="https://example.org/call\n")

    assert done.exit_code == 0, done.output
    assert "08 of v1.2.3, as DevOps Lead: Équipe support informée" in done.output
    (sign_off,) = load(signed).record.sign_offs
    assert (sign_off.item, sign_off.role) == ("08", "DevOps Lead")
    assert sign_off.evidence == "https://example.org/call"


def test_what_is_signed_counts(desk, signed, load):
    desk("sign", "09", "--evidence", "https://x.org/1", "--not-needed", "--note", "no change é")
    desk("sign", "DEP-07", "--evidence", "https://x.org/2", role="Backend Lead")

    release = load(signed)
    for sign_off, signer in zip(
        release.record.sign_offs, ("backend-lead", "devops-lead"), strict=True
    ):
        seen = looked_at(sign_off, release.contacts.allowed_signers)
        assert (seen.fault, seen.signers) == ("", (signer,))
    assert release.record.sign_offs[1].applicable is False


@pytest.mark.parametrize(
    ("verb", "what", "options", "role", "message"),
    [
        ("sign", "13", ("--evidence", "https://x.org"), "DBA", "neither an item of the checklist"),
        ("sign", "08", ("--evidence", "I was there"), "DBA", "not signed: evidence: "),
        ("sign", "08", ("--evidence", "https://x.org"), "stranger", "is no key of an allowed"),
        ("sign", "08", ("--role", "DBA"), "DevOps Lead", "this key may sign for: DevOps Lead"),
        ("waive", "NGX-99", ("--reason", "x", "--expires", "2099-01-01"), "DBA", "no scenario NGX"),
        ("waive", "NGX-31", ("--reason", "x", "--expires", "2020-01-01"), "DBA", "expired on 2020"),
        ("waive", "NGX-31", ("--reason", "x", "--expires", "soon"), "DBA", "not signed: expires:"),
        ("waive", "DEP-03", ("--reason", "x", "--expires", "2099-01-01"), "DBA", "is @unwaivable"),
    ],
)
def test_what_would_not_count_is_not_written(desk, signed, verb, what, options, role, message):
    before = signed.record.read_text()

    done = desk(verb, what, *options, role=role)

    assert done.exit_code == 2
    assert message in done.output
    assert "Traceback" not in done.output
    assert signed.record.read_text() == before


def test_a_waiver_is_signed(desk, signed, load):
    done = desk("waive", "NGX-31", given="the proxy in front adds it\n2099-12-31\n", role="DBA")

    assert done.exit_code == 0, done.output
    (waiver,) = load(signed).record.waivers
    assert (waiver.statement, waiver.role, str(waiver.expires)) == ("NGX-31", "DBA", "2099-12-31")


def test_golive_release_says_what_it_needs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = run("release", "v1.0.0")
    assert done.exit_code == 2
    assert "not a git repository" in done.output
