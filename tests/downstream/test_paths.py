"""Paths that are passed on: what is plain, what is below what, which dictionaries are meant."""

import pytest

from edgeproxy.downstream.paths import Target, prefix_written
from edgeproxy.sarvam.refusals import Refused


@pytest.mark.parametrize(
    "raw",
    [
        "/translate",
        "/voices/",
        "/a?b=c&d=%2F&e=//x/../y",
        "/text-to-speech/pronunciation-dictionary/p%3A1",
        "/name.wav",
        "/%E0%A4%A8",
    ],
)
def test_a_plain_path_is_kept_byte_for_byte(raw: str) -> None:
    assert Target.parse(raw).raw == raw


@pytest.mark.parametrize(
    "raw",
    [
        "http://evil.example/translate",
        "//evil.example/translate",
        "/a//b",
        "/speech-to-text/../translate",
        "/speech-to-text/%2e%2e/translate",
        "/speech-to-text/%2E./translate",
        "/speech-to-text/..;a=b/translate",
        "/speech-to-text/..%2ftranslate",
        "/speech-to-text/%252e%252e/translate",
        "/speech-to-text/.",
        "/a\\b",
        "/a%5Cb",
        "/a%00b",
        "/a%0d%0ab",
        "/a#b",
        "/ä",
        "*",
        "evil.example:443",
        "",
    ],
)
def test_a_path_that_could_be_misread_is_refused_without_being_quoted(raw: str) -> None:
    with pytest.raises(Refused) as caught:
        Target.parse(raw)
    assert caught.value.refusal.status == 400
    assert "allowed" in caught.value.refusal.message.lower()
    assert "evil" not in caught.value.refusal.message


@pytest.mark.parametrize(
    ("raw", "prefix", "is_under"),
    [
        ("/translate", "/translate", True),
        ("/translate/", "/translate", True),
        ("/translate/x?y", "/translate", True),
        ("/%74ranslate", "/translate", True),
        ("/translated", "/translate", False),
        ("/Translate", "/translate", False),
        ("/", "/translate", False),
        ("/v1/chat/completions", "/v1/chat", True),
        ("/v1/chatter", "/v1/chat", False),
        ("/anything/at/all", "/", True),
    ],
)
def test_below_goes_by_whole_segments(raw: str, prefix: str, is_under: bool) -> None:
    assert Target.parse(raw).is_under([prefix]) is is_under
    assert not Target.parse(raw).is_under([])


@pytest.mark.parametrize(
    ("method", "raw", "dictionaries"),
    [
        ("PUT", "?dict_id=d1", ["d1"]),
        ("DELETE", "?x=1&dict_id=d%201", ["d 1"]),
        ("PUT", "?dict_id=d1&dict_id=d2", ["d1", "d2"]),
        ("PATCH", "/d1", ["d1"]),
        ("POST", "/d1/words", ["d1"]),
        ("PUT", "/d1?dict_id=d2", ["d2", "d1"]),
        ("POST", "", []),
        ("GET", "/d1", []),
        ("HEAD", "?dict_id=d1", []),
    ],
)
def test_the_dictionaries_that_a_request_changes(
    method: str, raw: str, dictionaries: list[str]
) -> None:
    target = Target.parse(f"/text-to-speech/pronunciation-dictionary{raw}")
    assert target.dictionaries_changed(method) == dictionaries
    elsewhere = Target.parse(f"/text-to-speech/pronunciation-dictionaryx{raw}")
    assert not elsewhere.dictionaries_changed(method)


@pytest.mark.parametrize("path", ["/a", "/v1/chat", "/a_b-c.d~", "/"])
def test_a_prefix_is_a_plain_path(path: str) -> None:
    assert prefix_written(path) == path


@pytest.mark.parametrize(
    "path", ["a", "/a/", "//", "/a//b", "/../a", "/a/.", "/a?b", "/%61", "", 1]
)
def test_any_other_prefix_is_a_mistake(path: object) -> None:
    with pytest.raises(ValueError, match="/speech-to-text"):
        prefix_written(path)


def test_what_is_logged_of_a_path_is_its_first_segment_cut() -> None:
    assert Target.parse("/voices/secret-id?key=secret").head == "/voices"
    assert len(Target.parse("/" + "x" * 500).head) == 40
