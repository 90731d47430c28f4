"""What the origin takes for what is made, in sentences."""

from ..core.words import count
from ..sarvam.models import RUPEES_PER_CHARACTER


def cost(characters: int) -> str:
    """Characters, and the rupees that Sarvam takes for them."""
    return f"{count(characters, 'character')}, ₹{characters * RUPEES_PER_CHARACTER:,.2f}"
