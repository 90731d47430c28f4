import pytest

from edgeproxy.phrases.cron import Cron


def test_five_fields_are_spelled_out() -> None:
    cron = Cron.parse("*/20 2,14 1-3 jan,7 *")

    assert cron == Cron(
        written="*/20 2,14 1-3 jan,7 *",
        minutes=(0, 20, 40),
        hours=(2, 14),
        days=(1, 2, 3),
        months=(1, 7),
        weekdays=None,
    )


@pytest.mark.parametrize("sunday", ["0", "7", "sun", "SUN"])
def test_the_week_begins_on_sunday_which_is_also_seven(sunday: str) -> None:
    assert Cron.parse(f"0 3 * * {sunday}").weekdays == (0,)


def test_steps_through_the_week_do_not_see_a_second_sunday() -> None:
    assert Cron.parse("0 3 * * */2").weekdays == (0, 2, 4, 6)


def test_a_day_and_a_weekday_are_both_kept_since_either_will_do() -> None:
    cron = Cron.parse("0 3 13 * fri")

    assert (cron.days, cron.weekdays) == ((13,), (5,))


@pytest.mark.parametrize("never", ["0 3 30 2 *", "0 3 31 4,6,9,11 *", "0 3 30,31 feb *"])
def test_what_never_comes_is_refused(never: str) -> None:
    with pytest.raises(ValueError, match="never comes"):
        Cron.parse(never)


@pytest.mark.parametrize("sometimes", ["0 3 29 2 *", "0 3 30 2 mon", "0 3 31 * *"])
def test_what_comes_seldom_is_fine(sometimes: str) -> None:
    assert Cron.parse(sometimes).written == sometimes


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("daily", "five fields"),
        ("0 3 * *", "five fields"),
        ("60 3 * * *", "minute: `60` must be a number from 0 to 59"),
        ("0 24 * * *", "hour: `24`"),
        ("0 3 0 * *", "day: `0`"),
        ("0 3 * 13 *", "month: `13`"),
        ("0 3 * * someday", "weekday: `someday`"),
        ("0 5-3 * * *", "runs backwards"),
        ("*/0 3 * * *", "step"),
        ("0 ² * * *", "hour: `²`"),
        ("0 3,,4 * * *", "hour: ``"),
    ],
)
def test_what_is_no_time_is_refused_by_field(wrong: str, said: str) -> None:
    with pytest.raises(ValueError, match=r"must|runs") as caught:
        Cron.parse(wrong)
    assert said in str(caught.value)
