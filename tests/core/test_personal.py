"""What may be somebody's own is seen in any script; what everybody hears passes."""

import pytest

from edgeproxy.core.personal import looks_personal


@pytest.mark.parametrize(
    "text",
    [
        "Your code is 4711.",
        "Call me on +91 98765 43210, please.",
        "98765-43210",
        "1-2-3-4",
        "9 8 7 6",
        "12\u201334\u2011x 1\u20112\u20113\u20114",
        "आपका नंबर ९८७६५ ४३२१० है।",
        "உங்கள் எண் ௯௮௭௬ ௫",
        "ನಿಮ್ಮ ಸಂಖ್ಯೆ ೧೨೩೪",
        "آپ کا نمبر ۱۲۳۴ ہے۔",
        "1\u200b2\u200b3\u200b4",
        "Born in 1987.",
    ],
)
def test_four_digits_in_a_row_are_personal(text: str) -> None:
    assert looks_personal(text)


@pytest.mark.parametrize(
    "text",
    [
        "Write to asha.rao@example.com today.",
        "asha＠example.com",
        "asha at example dot com",
        "https://example.com/o/17",
        "See www.example.in",
        "Go to example.com/pay.",
        "आप EXAMPLE.IN पर देखिए।",
    ],
)
def test_addresses_are_personal(text: str) -> None:
    assert looks_personal(text)


@pytest.mark.parametrize(
    "text",
    [
        "Your code is A B C 1 2.",
        "A-B-C",
        "It is R, A, O.",
        "Booking X. 7. K.",
        "(P Q R)",
        "কোড ক খ গ",
    ],
)
def test_codes_that_are_spelled_are_personal(text: str) -> None:
    assert looks_personal(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Hello, and thank you for calling Asha Clinic.",
        "Please call 108 for an ambulance.",
        "We are open from 10:30 to 12:45.",
        "It costs Rs. 1,250.50.",
        "Press 1 or 2.",
        "At 9 a.m. I am there, e.g. on Monday.",
        "Vitamin A and B-12 in 30-day packs",
        "Dr. A. P. Rao will see you at 5 p.m.",
        "Wait... what? No.",
        "तो मैं ये भी कह दूँ, हो जी।",
        "नमस्ते, आशा क्लिनिक में फ़ोन करने के लिए धन्यवाद।",
        "வணக்கம், நான் ௩ மணிக்கு வருகிறேன்.",
        "@ home",
    ],
)
def test_what_everybody_hears_is_not(text: str) -> None:
    assert not looks_personal(text)


@pytest.mark.parametrize("digits", [1, 2, 3, 4, 5, 12])
def test_the_bound_is_four_digits(digits: int) -> None:
    assert looks_personal("७" * digits) is (digits >= 4)
