"""The files of deploy/, read; and promtool, where there is one."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from ..pages import ROOT
from . import promql

DEPLOY: Final = ROOT / "deploy"
RULES_FILE: Final = DEPLOY / "prometheus" / "edgeproxy.rules.yaml"

Promtool = Callable[..., None]


@pytest.fixture
def promtool() -> Promtool:
    """Run it; what it complains of fails the test."""
    tool = shutil.which("promtool")
    if tool is None:
        pytest.skip("no promtool here; it is in Debian's package prometheus")

    def run(*arguments: str | Path) -> None:
        done = subprocess.run([tool, *arguments], capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stdout + done.stderr

    return run


def _rules() -> list[dict[str, Any]]:
    groups = yaml.safe_load(RULES_FILE.read_text(encoding="utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


RULES: Final = _rules()
"""All rules, whatever their group."""
KNOWN: Final = promql.series({rule["record"]: rule["expr"] for rule in RULES if "record" in rule})
"""Every name that may be asked for, with its labels."""
