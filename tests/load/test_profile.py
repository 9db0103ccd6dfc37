from pathlib import Path

import pytest

from golive.load import profile, thresholds

ROOT = Path(__file__).parents[2]


def written(tmp_path, text):
    path = tmp_path / "profiles.yaml"
    path.write_text(f"visit: 80\nprofiles:\n  p:\n    why: because\n    stages:\n{text}")
    return path


def test_the_profiles_of_the_project():
    visit, profiles = profile.read(ROOT / profile.FILE)

    assert visit < 100  # what the application lets one address do in 15 minutes
    assert {"smoke", "baseline", "peak", "stress", "spike", "soak"} < profiles.keys()
    assert not profiles["peak"].planned()[0].rate


def test_stages_that_features_judge_are_there():
    _, gate = profile.named("gate", ROOT / profile.FILE)
    asked = thresholds.read(ROOT / "features")

    assert {each.stage for each in asked.responses} <= {stage.name for stage in gate.stages}
    assert (asked.risk, asked.errors_percent, asked.mongodb_ms) == (0.05, 1, 100)


@pytest.mark.parametrize(
    ("stage", "message"),
    [
        ("{name: a, seconds: 5}", "a stage has either a rate or users"),
        ("{name: a, seconds: 5, rate: 5, users: 5}", "a stage has either a rate or users"),
        ("{name: a, seconds: 5, rate: 5000}", "must be less than or equal to 2000"),
        ("{name: a, seconds: 50000, rate: 5}", "must be less than or equal to 7200"),
        ("{name: a, seconds: 5, rate: 5, measured: false}", "no stage is measured"),
        ("{name: a, seconds: 5, raet: 5}", "did you mean 'rate'"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(tmp_path, stage, message):
    path = written(tmp_path, f"      - {stage}\n")

    with pytest.raises(profile.ProfileError) as refused:
        profile.read(path)

    assert message in str(refused.value)
    assert f"{path}:" in str(refused.value)


def test_stages_of_two_kinds_are_refused(tmp_path):
    lines = "      - {name: a, seconds: 5, rate: 5}\n      - {name: b, seconds: 5, users: 5}\n"
    with pytest.raises(profile.ProfileError, match="all have users"):
        profile.read(written(tmp_path, lines))


def test_no_such_profile(tmp_path):
    with pytest.raises(profile.ProfileError, match="no profile 'q'; there are p"):
        profile.named("q", written(tmp_path, "      - {name: a, seconds: 5, rate: 5}\n"))


def test_features_that_say_nothing_are_refused(tmp_path):
    with pytest.raises(thresholds.ThresholdsError, match="lacks a sentence"):
        thresholds.read(tmp_path)
