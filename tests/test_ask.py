"""An ask: what it is when nobody says more, and that it shows no key."""

from edgeproxy.ask import Ask, Use
from edgeproxy.core.key import Teller
from edgeproxy.upstream.pool import Order
from edgeproxy.upstream.pools import Account

from .house import HELLO, VOICE

ASK = Ask(Teller("ns", VOICE).identity(HELLO), Account("own", "a-secret-key"))


def test_by_itself_it_is_a_callers_who_waits_and_takes_what_there_is() -> None:
    assert (ASK.order, ASK.use, ASK.keep, ASK.curated) == (Order.FIRST, Use.ON, True, False)


def test_it_shows_no_key() -> None:
    assert "a-secret-key" not in repr(ASK)
