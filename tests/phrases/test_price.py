"""What it costs, in a sentence."""

from edgeproxy.phrases.price import cost


def test_a_cost_is_characters_and_rupees() -> None:
    assert cost(10_000) == "10,000 characters, ₹30.00"
    assert cost(1) == "1 character, ₹0.00"
