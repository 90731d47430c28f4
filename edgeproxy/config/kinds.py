"""What settings are made of: rooms, secrets, and the one error there is."""

import json
import re
from typing import Annotated, Final

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    SecretStr,
)

MEGABYTE: Final = 1_000_000


class ConfigError(Exception):
    """A setting that can't be used; the text is one line for whoever set it."""


def _bare(secret: SecretStr) -> SecretStr:
    # A mounted secret ends in a line break; anything else that no header can carry is a mistake.
    bare = secret.get_secret_value().strip()
    if not bare:
        raise ValueError("must not be blank")
    if not all("!" <= character <= "~" for character in bare):
        raise ValueError("must be printable ASCII without spaces")
    return SecretStr(bare)


Secret = Annotated[SecretStr, AfterValidator(_bare)]


def _digest(line: str) -> str:
    line = line.strip().lower()
    if not re.fullmatch(r"sha256:[0-9a-f]{64}", line):
        raise ValueError("must be `sha256:` and 64 hexadecimal digits, never the key itself")
    return line


Digest = Annotated[str, AfterValidator(_digest)]


def parsed(text: str, what: str = "a list") -> object:
    try:
        return json.loads(text)
    except ValueError:
        raise ValueError(f"must be {what}; in the environment, as JSON") from None


class Room(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)
