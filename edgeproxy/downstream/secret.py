"""The secret of this installation: what turns a key into a name that tells nothing of it.

A MAC under it stands for a key wherever one has to be named (a namespace, an account, a table), so that
no key can be read back from a disk, a log or a dump, or be tried out against them elsewhere.
"""

import hmac
import os
import secrets
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Final


class DamagedSecret(ValueError):
    """The installation's secret is not what was written; the text says what to do."""


def install_secret(directory: Path) -> bytes:
    """The secret of this installation, made at its first start; 32 bytes, readable by its owner only.

    Whole or not there at all, whatever ends a start midway; starters at the same time get the same one.
    Raises :class:`DamagedSecret`, or OSError with the file's name.
    """
    path = directory / "install-secret"
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not path.exists():
        try:
            _make(path)
        except OSError as error:
            # A full disk names no file by itself.
            raise OSError(error.errno, error.strerror, str(path)) from error
    secret = path.read_bytes()
    if len(secret) != 32:
        raise DamagedSecret(
            f"{path} is damaged: {len(secret)} bytes, not 32; remove it to begin anew"
        )
    return secret


def _make(path: Path) -> None:
    # 0600 from the first byte on.
    descriptor, fresh = tempfile.mkstemp(prefix=f"{path.name}.", dir=path.parent)
    try:
        with open(descriptor, "wb") as file:
            file.write(secrets.token_bytes(32))
            file.flush()
            os.fsync(file.fileno())
        # A link, unlike a rename, never replaces the secret of another starter.
        with suppress(FileExistsError):
            os.link(fresh, path)
    finally:
        os.unlink(fresh)


_NAMES: Final = "key-"
_OURSELVES: Final = b"\nthis installation"
"""No key: a header has no line breaks."""


def name_of(secret: bytes, key: str) -> str:
    """``key-`` and 128 bits: the same for the same key, here and nowhere else."""
    # Header bytes that are no UTF-8 come as surrogates.
    sent = key.encode(errors="surrogateescape")
    return f"{_NAMES}{hmac.digest(secret, sent, 'sha256').hex()[:32]}"


def is_name(namespace: str) -> bool:
    """Whether it is some key's name: what lies there only the installation that named it ever finds."""
    return namespace.startswith(_NAMES)


def fingerprint(secret: bytes) -> str:
    """128 bits that tell whether two installations have one secret, and nothing else of it."""
    return hmac.digest(secret, _OURSELVES, "sha256").hex()[:32]
