import math

import pytest

from edgeproxy.emulator.faults import KINDS, Fault, Scope, Weather, parse_faults


def test_a_line_of_faults_is_read() -> None:
    assert parse_faults("stall=0.1, missing_final=0.03,429:count=2") == [
        Fault("stall", probability=0.1, seconds=0.8),
        Fault("missing_final", probability=0.03),
        Fault("429", count=2),
    ]
    assert parse_faults("stall:seconds=forever:text=bye:after=0") == [
        Fault("stall", seconds=math.inf, text="bye", after=0)
    ]
    assert parse_faults(" ") == []


def test_every_kind_is_written_as_it_is_read() -> None:
    for name in KINDS:
        fault = Fault.parse({"fault": name, "probability": 0.5, "count": 3})
        assert Fault.parse(fault.to_json()) == fault
    forever = Fault.parse({"fault": "stall", "seconds": "forever"})
    assert forever.to_json()["seconds"] == "forever"


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("stal", "unknown fault 'stal': one of refuse, hang, 403"),
        ("stall=often", "stall: probability: 'often' is not a probability from 0 to 1"),
        ("stall=1.5", "stall: probability: '1.5' is not a probability"),
        (
            "cut:seconds=1",
            "cut: unknown parameter 'seconds': one of probability, count, text, after",
        ),
        ("403:text=hello", "403: unknown parameter 'text': one of probability, count"),
        ("cut:count=0", "cut: count: '0' is not a whole number from 1"),
        ("cut:count=1.5", "cut: count: '1.5' is not a whole number"),
        ("cut:after=x", "cut: after: 'x' is not a whole number from 0"),
        (
            "stall:seconds=long",
            "stall: seconds: 'long' is not a number of seconds to 3600, or 'forever'",
        ),
        ("close:code=7", "close: code: '7' is not a whole number from 400"),
        ("cut:text=", "cut: text: '' is not a text"),
        ("cut:once", "cut: 'once' is not parameter=value"),
        ("cut:count=1:count=2", "cut: count is given twice"),
    ],
)
def test_a_mistake_names_what_is_allowed(line: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        parse_faults(line)


def test_an_object_with_mistaken_types_is_refused() -> None:
    for words in ({}, {"fault": 429}, {"fault": "429", "count": True}, {"fault": "cut", "text": 5}):
        with pytest.raises(ValueError, match="fault"):
            Fault.parse(words)


def test_a_fault_with_a_count_strikes_that_often_and_is_gone() -> None:
    weather = Weather(parse_faults("429:count=2"))
    struck = [bool(weather.strike(Scope.DOOR, at=f"{n}")) for n in range(4)]
    assert struck == [True, True, False, False]
    assert weather.faults == ()
    assert weather.struck == {"429": 2}


def test_a_fault_with_a_text_strikes_only_there() -> None:
    weather = Weather(parse_faults("cut:text=bye:count=1"))
    assert not weather.strike(Scope.UTTERANCE, at="1", text="hello")
    assert weather.strike(Scope.UTTERANCE, at="2", text="good bye now")
    assert not weather.strike(Scope.UTTERANCE, at="3", text="bye")


def test_a_fault_strikes_only_in_its_scope() -> None:
    weather = Weather(parse_faults("refuse,1003,silence"))
    assert set(weather.strike(Scope.DOOR, at="1")) == {"refuse"}
    assert set(weather.strike(Scope.SOCKET, at="1")) == {"1003"}
    assert set(weather.strike(Scope.UTTERANCE, at="1")) == {"silence"}


def test_of_two_faults_of_a_kind_the_first_strikes_and_only_it_is_used_up() -> None:
    weather = Weather(parse_faults("slow:seconds=1:count=1,slow:seconds=2:count=1"))
    drawn = [weather.strike(Scope.UTTERANCE, at="1").get("slow") for _ in range(3)]
    assert [fault and fault.seconds for fault in drawn] == [1, 2, None]


def test_chance_is_drawn_from_the_seed_and_the_place() -> None:
    def strikes(seed: int) -> list[bool]:
        weather = Weather(parse_faults("cut=0.3"), seed=seed)
        return [bool(weather.strike(Scope.UTTERANCE, at=f"1/{n}")) for n in range(300)]

    assert strikes(1) == strikes(1) != strikes(2)
    assert 60 < sum(strikes(1)) < 120


def test_new_weather_takes_the_place_of_the_old() -> None:
    weather = Weather(parse_faults("refuse"))
    weather.change(parse_faults("hang"))
    assert set(weather.strike(Scope.DOOR, at="1")) == {"hang"}
