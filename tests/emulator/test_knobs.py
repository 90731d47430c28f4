import ast
import dataclasses
import inspect
from pathlib import Path

from edgeproxy.emulator import Knobs, knobs


def test_every_knob_says_what_it_is() -> None:
    (knobs_class,) = [
        node for node in ast.parse(inspect.getsource(knobs)).body if isinstance(node, ast.ClassDef)
    ]
    described = {
        field.target.id
        for field, text in zip(knobs_class.body, knobs_class.body[1:], strict=False)
        if isinstance(field, ast.AnnAssign)
        and isinstance(field.target, ast.Name)
        and isinstance(text, ast.Expr)
    }
    assert described == {field.name for field in dataclasses.fields(Knobs)}


def test_every_knob_is_connected() -> None:
    room = Path(inspect.getfile(knobs)).parent
    rest = "".join(path.read_text() for path in room.glob("*.py") if path.name != "knobs.py")
    for field in dataclasses.fields(Knobs):
        assert f"knobs.{field.name}" in rest, field.name
