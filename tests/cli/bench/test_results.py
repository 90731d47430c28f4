import orjson
import pytest

from edgeproxy.cli.bench.results import BUDGETS, PROFILES, Cell, Results, Took, panels


def test_one_round_that_went_wild_does_not_show(results: Results) -> None:
    assert results.median(Cell("v3", "at once", "today", "greeting")) == Took(500.0, 3000.0)


def test_a_mean_is_over_the_answers(results: Results) -> None:
    assert results.mean("seed", "at LLM pace", "today").first_audio == 750.0


def test_a_ratio_is_of_means(results: Results) -> None:
    assert results.ratio("seed", "at once", "cold") == pytest.approx(0.3)
    assert results.ratio("seed", "at once", "today") == 1.0


def test_what_the_text_takes_to_arrive_is_not_the_caches_fault(results: Results) -> None:
    results.words_ms["at LLM pace", "greeting"] = 1.0
    results.words_ms["at LLM pace", "fracture surgery"] = 3.0
    assert results.after_words_ms("v3", "at LLM pace", "warm") == pytest.approx(3.75 - 2.0)
    assert results.after_words_ms("v3", "at once", "warm") == pytest.approx(3.75)


def test_every_profile_has_its_budget_and_every_pace_its_panel() -> None:
    assert set(BUDGETS) == set(PROFILES)
    assert len(list(panels())) == 4


def test_json_has_every_turn_every_mean_and_what_it_is_about(results: Results) -> None:
    document = orjson.loads(orjson.dumps(results.to_json(rounds=3)))
    assert document["rounds"] == 3
    assert len(document["turns"]) == 2 * 4 * 4
    assert len(document["turns"][0]["rounds"]) == 3
    (mean,) = (
        mean for mean in document["means"] if (mean["profile"], mean["pace"]) == ("v3", "at once")
    )
    assert mean["pipelines"]["cold"]["of_today"] == 0.3
    assert mean["cold_budget"] == BUDGETS["v3"]
    assert [answer["name"] for answer in document["answers"]] == ["greeting", "fracture surgery"]
