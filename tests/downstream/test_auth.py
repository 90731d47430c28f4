"""Who is let in where anybody is, and what that allows."""

import pytest

from edgeproxy.downstream.auth import UNLIMITED, Allowance, Client, Open
from edgeproxy.sarvam.refusals import Refused
from edgeproxy.upstream.pools import Account

OWN = Account("own", "sarvam-key")


async def admit(key: str | None) -> Client:
    return await Open(secret=b"s" * 32, account=OWN).admit(key, address="127.0.0.1")


@pytest.mark.parametrize("key", [None, ""])
async def test_no_key_at_all_is_sarvams_403(key: str | None) -> None:
    with pytest.raises(Refused) as caught:
        await admit(key)
    assert caught.value.refusal.status == 403
    assert caught.value.refusal.message == "Invalid or missing authentication credentials"


async def test_each_key_has_a_namespace_of_its_own_and_the_proxys_account_pays() -> None:
    one, again, two = [await admit(key) for key in ("one", "one", "two")]
    assert one == again
    assert one.namespace != two.namespace
    assert one.account == two.account == OWN


async def test_who_comes_in_so_is_no_tenant_and_has_no_limits() -> None:
    client = await admit("one")
    assert (client.tenant, client.allowance, client.allowance.purse) == (None, UNLIMITED, None)
    client.allowance.check_voice({"speaker": "anybody"})
    with client.allowance.turn(1_000_000):
        pass


async def test_a_client_does_not_show_its_key() -> None:
    assert "sarvam-key" not in repr(await admit("a-key"))
    assert "a-key" not in repr(await admit("a-key"))


def test_a_turn_that_is_refused_half_way_is_over() -> None:
    class Short(Allowance):
        turns = 0

        def begin_turn(self) -> None:
            self.turns += 1

        def end_turn(self) -> None:
            self.turns -= 1

        def take(self, characters: int) -> None:
            raise ValueError

    short = Short()
    with pytest.raises(ValueError), short.turn(3):  # noqa: PT011
        pass
    assert short.turns == 0
