"""What is kept, as settings say it."""

import pytest

from edgeproxy.config import ConfigError, Settings


def test_epochs_in_the_environment_are_a_json_mapping(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGEPROXY_CACHE__EPOCHS", '{"bulbul:v3": 1, "bulbul:v3/ritu": 2}')
    assert Settings.load().cache.epochs == {"bulbul:v3": 1, "bulbul:v3/ritu": 2}


@pytest.mark.parametrize("epochs", ["bulbul:v3=1", '{"bulbul:v3": -1}', "[1]"])
def test_epochs_that_are_none_are_named(monkeypatch: pytest.MonkeyPatch, epochs: str) -> None:
    monkeypatch.setenv("EDGEPROXY_CACHE__EPOCHS", epochs)
    with pytest.raises(ConfigError, match=r"EDGEPROXY_CACHE__EPOCHS: cache\.epochs"):
        Settings.load()
