"""The tenants file: what it may say, and what is said of its mistakes."""

import re
from pathlib import Path

import pytest

from edgeproxy.downstream.terms import (
    TenantsError,
    Terms,
    VoicePattern,
    digest_of,
    digest_written,
    read,
    tenant_of,
    written,
)
from edgeproxy.sarvam.refusals import Refused

ONE, TWO = written("token-one"), written("token-two")
VOICE = {"model": "bulbul:v3", "language": "hi-IN", "speaker": "shubh", "rate": 8000}


def write(directory: Path, text: str) -> Path:
    file = directory / "tenants.yaml"
    file.write_text(text, encoding="utf-8")
    return file


def test_a_file_with_everything_is_read(tmp_path: Path) -> None:
    file = write(
        tmp_path,
        f"""
tenants:
  clinic:
    tokens:
      - {ONE}      # the old one, until 1 December
      - "{TWO.upper().replace("SHA", "sha")}"
    requests_per_minute: 600
    characters_per_minute: 60_000
    concurrent_turns: 40
    characters_per_month: 2_000_000
    voices: [shubh, {{model: "bulbul:v3", language: "*-IN", speaker: priya}}]
    paths: [/speech-to-text, /v1/chat]
  clinic-test:
    tokens: []
    namespace: clinics
""",
    )
    tenants = read(file)
    clinic = tenants["clinic"]
    assert clinic.tokens == {digest_of("token-one"), digest_of("token-two")}
    assert clinic.requests_per_minute == 600
    assert clinic.characters_per_month == 2_000_000
    assert clinic.paths == ("/speech-to-text", "/v1/chat")
    assert tenants["clinic-test"].paths == ()
    assert clinic.space_of("clinic") == "tenant-clinic"
    assert tenants["clinic-test"].space_of("clinic-test") == "shared-clinics"
    assert tenants["clinic-test"].characters_per_month is None


def test_what_a_line_says_is_what_the_token_is_known_by() -> None:
    assert digest_written(written("token")) == digest_of("token")
    assert digest_written("token") is None
    assert digest_written(f"{written('token')}0") is None
    assert digest_written(None) is None


@pytest.mark.parametrize(
    ("pattern", "takes"),
    [
        ({}, True),
        ({"speaker": "shubh"}, True),
        ({"speaker": "priya"}, False),
        ({"language": "*-IN", "model": "bulbul:v3"}, True),
        ({"language": "en-*"}, False),
    ],
)
def test_a_pattern_takes_what_all_of_it_takes(pattern: dict[str, str], takes: bool) -> None:
    assert VoicePattern(**pattern).takes(VOICE) is takes


def test_no_name_of_one_kind_is_one_of_another() -> None:
    own = Terms.model_validate({"tokens": []})
    shared = Terms.model_validate({"tokens": [], "namespace": "clinic"})
    assert own.space_of("clinic") != shared.space_of("clinic")
    assert tenant_of(own.space_of("clinic")) == "clinic"
    assert tenant_of(shared.space_of("clinic")) is None


def test_a_voice_that_was_not_agreed_is_refused() -> None:
    Terms.model_validate({"tokens": []}).check_voice(VOICE)
    agreed = Terms.model_validate({"tokens": [], "voices": ["priya", {"language": "en-*"}]})
    with pytest.raises(Refused, match=r"priya; language en-\*"):
        agreed.check_voice(VOICE)
    agreed.check_voice({**VOICE, "language": "en-IN"})


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("", "has no `tenants:`"),
        ("- a", "has no `tenants:`"),
        ("tenants:", "has no `tenants:`"),
        ("tenants:\n  a: {tokens: [", ":3:1: error: while parsing"),
        ("tenants:\n  a: {}", "tenants.yaml:2:3: error: `tokens`: field required"),
        ("tenants:\n  a:\n    tokens: secret", ":3:5: error: `tokens`: must be a list"),
        ("tenants:\n  a:\n    tokens:\n    - secret", "entry 1 is not `sha256:`"),
        ("tenants:\n  a:\n    tokens: [sha256:secret]", "entry 1 is not `sha256:`"),
        ("tenants:\n  a:\n    tokens: []\n    token: []", ":4:5: error: there is no `token`"),
        ("tenants:\n  a: {tokens: []}\n  a: {tokens: []}", "twice"),
        ("tenants:\n  A B: {tokens: []}", "small letters"),
        ("tenants: {}\nlimits: {}", "there is no `limits`"),
        ("tenants:\n  a:\n    tokens: []\n    concurrent_turns: 0", "greater than or equal to 1"),
        ("tenants:\n  a:\n    tokens: []\n    requests_per_minute: many", "valid integer"),
        ("tenants:\n  a:\n    tokens: []\n    namespace: A B", "`own`, or a name"),
        ("tenants:\n  a:\n    tokens: []\n    voices: []", "list of speakers"),
        ("tenants:\n  a:\n    tokens: []\n    voices: [{name: x}]", "model, language, speaker"),
        ("tenants:\n  a:\n    tokens: []\n    paths: /translate", "a list of paths like /speech"),
        ("tenants:\n  a:\n    tokens: []\n    paths: [translate/]", "a list of paths like /speech"),
    ],
)
def test_a_mistake_is_named_with_its_line_and_never_with_its_value(
    tmp_path: Path, text: str, named: str
) -> None:
    with pytest.raises(TenantsError) as caught:
        read(write(tmp_path, text))
    assert named in str(caught.value)
    assert "secret" not in str(caught.value)


def test_every_mistake_is_named_at_once(tmp_path: Path) -> None:
    text = "tenants:\n  a: {tokens: [x]}\n  b: {tokens: [], concurrent_turns: 0}\n"
    with pytest.raises(TenantsError) as caught:
        read(write(tmp_path, text))
    assert [line.split(":")[1] for line in str(caught.value).splitlines()] == ["2", "3"]


def test_two_tenants_cannot_have_one_token(tmp_path: Path) -> None:
    text = f"tenants:\n  a: {{tokens: ['{ONE}']}}\n  b: {{tokens: ['{ONE}']}}\n"
    with pytest.raises(TenantsError, match=r":3:.*`b` is one of `a`, too"):
        read(write(tmp_path, text))


def test_nobody_at_all_can_be_said_in_so_many_words(tmp_path: Path) -> None:
    assert read(write(tmp_path, "tenants: {}")) == {}


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(TenantsError, match="cannot be read"):
        read(tmp_path / "nowhere.yaml")


def test_the_example_for_operators_is_a_good_file(tmp_path: Path) -> None:
    page = Path(__file__).parents[2] / "docs" / "front-door.md"
    blocks = [block.removeprefix("yaml") for block in page.read_text().split("```")]
    (example,) = (block for block in blocks if "\ntenants:\n" in block)
    whole = re.sub(r"sha256:([0-9a-f]{8})…", lambda found: f"sha256:{found[1] * 8}", example)
    tenants = read(write(tmp_path, whole))
    assert len(tenants["clinic"].tokens) == 2
    assert set(Terms.model_fields) == {
        name for terms in tenants.values() for name in terms.model_fields_set
    }
