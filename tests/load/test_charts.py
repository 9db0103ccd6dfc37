from xml.etree import ElementTree

from golive.load import charts, summary
from golive.load.samples import Samples

from .test_judgement import PLAN, seen


def drawn(samples: Samples, name: str = "steady"):
    load = {
        "open": True,
        "stages": [{"name": name, "seconds": 5}, {"name": "after", "seconds": 6}],
        "timeline": summary.timeline(samples),
        "distribution": summary.distribution(samples.latencies()),
    }
    return charts.svgs(load)


def test_pictures_are_well_formed_and_load_nothing():
    for picture in drawn(seen(400, 20)):
        root = ElementTree.fromstring(picture)
        assert root.tag.endswith("svg")
        assert "href" not in picture
        assert "style=" not in picture  # a page's policy may forbid it
        assert any("path" in each.tag for each in root.iter())


def test_nothing_measured_is_an_empty_picture():
    for picture in drawn(Samples(PLAN)):
        ElementTree.fromstring(picture)


def test_names_stay_text():
    for picture in drawn(seen(10, 20), "<script>alert(1)</script>"):
        assert "<script" not in picture
