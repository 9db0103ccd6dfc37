"""Reading features: what a scenario claims, and everything that is refused."""

from pathlib import Path

import pytest

from golive import environment as environments
from golive.environment import Kind, Permit
from golive.gate.features import read
from golive.located_yaml import FileError

ROOT = Path(__file__).parents[2]


@pytest.fixture
def directory(tmp_path):
    (tmp_path / "checklist.yaml").write_text('items: [{id: "11", title: x, french: y}]')
    (tmp_path / "statements.tsv").write_text(
        "id\tkind\tstatement\tquote\nNGX-31\tprobe\tx\ty\nNGX-32\tprobe\tx\ty\n"
    )
    return tmp_path


def problems(directory):
    with pytest.raises(FileError) as raised:
        read(directory)
    return [line.removeprefix(f"{directory}/") for line in str(raised.value).splitlines()]


def test_tags_are_inherited_and_say_what_a_scenario_needs(directory):
    (directory / "11_x.feature").write_text("""\
        @NGX-31
        Feature: x
          Rule: r
            @permit-burst @only-replica
            Scenario Outline: is <what>
              Then <what> is so
              @NGX-32
              Examples:
                | what |
                | a    |
              @advisory
              Examples:
                | what |
                | b    |
        """)
    a, b = read(directory).scenarios.values()
    assert (a.id, a.name) == ("11_x.feature::is <what>[a]", "is a")
    assert (a.statements, b.statements) == (("NGX-31", "NGX-32"), ("NGX-31",))
    assert (a.blocking, b.blocking) == (True, False)
    assert (a.permits, a.kinds) == ({Permit.BURST}, {Kind.REPLICA})
    assert a.where == f"{directory}/11_x.feature:5"


def test_other_languages(directory):
    (directory / "11_x.feature").write_text("""\
        # language: fr
        Fonctionnalité: x
          Plan du scénario: sans exemples
            Alors c'est ainsi
        """)
    assert problems(directory) == ["11_x.feature:3: an outline without Examples is never run"]


@pytest.mark.parametrize(
    ("feature", "expected"),
    [
        ("", "11_x.feature:1: no feature in it"),
        ("Feature: x", "11_x.feature:1: no scenario in it"),
        ("Feature: x\n  Scenario: a\n    Then x\n  what", "11_x.feature:4: not Gherkin: expected"),
        ("# language: xx\nFeature: x", "11_x.feature:1: not Gherkin: Language not supported: xx"),
        ("Feature: x\n  Scenario:\n    Then x", "11_x.feature:2: a scenario needs a name"),
        (
            "Feature: x\n  Scenario: a\n    Given x",
            "11_x.feature:2: a scenario without a Then proves nothing",
        ),
        ("Feature: x\n  Scenario: a", "11_x.feature:2: a scenario without a Then proves nothing"),
        (
            "Feature: x\n  Scenario: a\n    And x\n    Then x",
            "11_x.feature:2: the first step must be a Given, a When or a Then",
        ),
        (
            "Feature: x\n  Scenario Outline: a\n    Then <x>\n    Examples:\n    | x |",
            "11_x.feature:4: Examples without a row are never run",
        ),
        (
            "Feature: x\n Scenario Outline: a\n  Then <x>\n  Examples:\n  |x|\n  |1|\n  |1|",
            "11_x.feature:2: two rows of examples are alike: 11_x.feature::a[1]",
        ),
        (
            "Feature: x\n  @NGX-33\n  Scenario: a\n    Then x",
            "11_x.feature:2: @NGX-33: neither a statement nor a tag of the gate; "
            "did you mean @NGX-32?",
        ),
        (
            "@xfail\nFeature: x\n  Scenario: a\n    Then x\n  Scenario: b\n    Then x",
            "11_x.feature:1: @xfail: neither a statement nor a tag of the gate",
        ),
    ],
)
def test_refused(directory, feature, expected):
    (directory / "11_x.feature").write_text(feature)
    found = problems(directory)
    assert len(found) == 1
    assert found[0].startswith(expected)


def test_two_scenarios_of_one_name_also_across_rules(directory):
    (directory / "11_x.feature").write_text("""\
        Feature: x
          Scenario: a
            Then x
          Rule: r
            Scenario: a
              Then x
        """)
    assert problems(directory) == ["11_x.feature:5: a second scenario of this name; see line 2"]


def test_problems_of_all_files_at_once(directory):
    (directory / "12_x.feature").write_text("Feature: x\n  Scenario: a\n    Given x")
    (directory / "11_x.feature").write_bytes(b"\xff")
    (directory / "checklist.yaml").write_text('items: [{id: "11", titel: x, french: y}]')
    found = problems(directory)
    assert found[:2] == [
        "checklist.yaml:1: items.0.title: is missing",
        "checklist.yaml:1: items.0.titel: unknown name; did you mean 'title'?",
    ]
    assert found[2].startswith("11_x.feature: cannot be read")
    assert found[3].startswith("12_x.feature:2: a scenario without a Then")


def test_an_item_that_is_not_in_the_checklist(directory):
    (directory / "13_x.feature").write_text("Feature: x\n  Scenario: a\n    Then x")
    assert problems(directory) == ["13_x.feature: item 13 is not in checklist.yaml"]


def test_no_feature_and_no_statements(directory):
    with pytest.raises(FileError, match="no feature in it"):
        read(directory)
    (directory / "statements.tsv").unlink()
    with pytest.raises(FileError, match=r"statements.tsv: cannot be read"):
        read(directory)


def test_what_nobody_may_waive_and_what_is_seen_where_users_are(directory):
    (directory / "11_x.feature").write_text("""\
        Feature: x
          @NGX-31 @unwaivable
          Scenario: strict
            Then it is so
          @NGX-32 @only-live
          Scenario: last
            Then it is so
        """)
    strict, last = read(directory).scenarios.values()
    assert (strict.waivable, strict.live, last.waivable, last.live) == (False, False, True, True)
    here = environments.load("replica", directory=ROOT / "environments")
    there = environments.load("production", directory=ROOT / "environments")
    assert (strict.barred(here), strict.barred(there)) == (None, None)
    assert (last.barred(here), last.barred(there)) == ("only where users are", None)
