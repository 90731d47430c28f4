import gc

import pytest

from edgeproxy.phrases.quietly import nothing_collected


def test_garbage_is_collected_again_whatever_happened() -> None:
    def fail() -> None:
        with nothing_collected():
            assert not gc.isenabled()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert gc.isenabled()


def test_the_inner_of_two_leaves_it_to_the_outer() -> None:
    with nothing_collected():
        with nothing_collected():
            pass
        assert not gc.isenabled()
    assert gc.isenabled()
