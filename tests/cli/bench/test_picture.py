from xml.etree import ElementTree

from edgeproxy.cli.bench.picture import picture
from edgeproxy.cli.bench.results import PIPELINES, Results

SVG = "{http://www.w3.org/2000/svg}"


def drawn(results: Results) -> ElementTree.Element:
    return ElementTree.fromstring(picture(results, rounds=3))


def test_each_panel_has_a_bar_for_each_pipeline_and_a_dot_for_each_answer(results: Results) -> None:
    root = drawn(results)
    assert len(root.findall(f"{SVG}rect")) == 1 + 4 * len(PIPELINES)
    assert len(root.findall(f"{SVG}circle")) == 4 * len(PIPELINES) * len(results.answers)


def test_the_longest_bar_belongs_to_the_slowest_pipeline(results: Results) -> None:
    bars = [float(bar.attrib["width"]) for bar in drawn(results).findall(f"{SVG}rect")[1:5]]
    assert bars == sorted(bars, reverse=True)
    # today, the plan, cold: in proportion
    assert round(bars[1] / bars[0], 2) == 0.4
    assert round(bars[2] / bars[0], 2) == 0.3


def test_everything_lies_inside_the_picture(results: Results) -> None:
    root = drawn(results)
    width, height = float(root.attrib["width"]), float(root.attrib["height"])
    for bar in root.findall(f"{SVG}rect"):
        assert 0 <= float(bar.get("x", 0)) + float(bar.attrib["width"]) <= width
    for text in root.findall(f"{SVG}text"):
        assert 0 <= float(text.attrib["x"]) <= width
        assert 0 <= float(text.attrib["y"]) <= height


def test_bars_and_panels_are_labelled(results: Results) -> None:
    said = [text.text for text in drawn(results).findall(f"{SVG}text")]
    for name in PIPELINES.values():
        assert said.count(name) == 4
    assert "seed origin, text at once" in said
    assert said.count("cold / today = 0.30") == 4


def test_the_arrival_of_the_first_words_is_marked_where_it_takes_time(results: Results) -> None:
    assert "stroke-dasharray" not in picture(results, rounds=3)
    results.words_ms["at LLM pace", "greeting"] = 40.0
    assert picture(results, rounds=3).count("stroke-dasharray") == 2
