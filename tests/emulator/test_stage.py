from edgeproxy.emulator.stage import RECENT, Counters


def test_recent_texts_are_counted_and_bounded() -> None:
    counters = Counters()
    for n in range(RECENT + 5):
        counters.recent.append(f"{n % 2}")
    assert len(counters.recent) == RECENT
    assert counters.spoken("0") == RECENT // 2
    assert counters.spoken("2") == 0


def test_reset_keeps_the_sockets_that_are_open() -> None:
    counters = Counters(connections=4, open=2, finals=3)
    counters.recent.append("Hello.")
    counters.reset()
    assert counters == Counters(open=2)
