"""Who may come in, and whose audio they hear.

With keys configured only those are let in; without, any key is, but none at all is turned away as
Sarvam does. What is spoken for a client lies in a namespace of its own: an HMAC of the key it sent,
under a secret of this installation, so that no key can be read back from a disk or a log.
"""

import hashlib
import hmac
import os
import secrets
import tempfile
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ..upstream.pools import Account


@dataclass(frozen=True, slots=True)
class Client:
    """Somebody who was let in. ``namespace``: whose audio it hears; ``account``: who pays; ``tenant``: whose
    books it hears besides everybody's."""

    namespace: str
    account: Account
    tenant: str | None = None


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


class Keeper:
    """Lets clients in by their key."""

    def __init__(self, *, keys: Iterable[str], secret: bytes, account: Account) -> None:
        self._secret = secret
        self._account = account
        # Only MACs are kept and compared: under a secret nobody outside knows, so the time a
        # comparison takes tells nothing of a key, and neither does a dump.
        self._allowed = frozenset(self._mac(key) for key in keys)

    def admit(self, key: str | None) -> Client | None:
        """The client with this key, or None: it gets Sarvam's 403."""
        if not key:
            return None
        mac = self._mac(key)
        if self._allowed and mac not in self._allowed:
            return None
        return Client(namespace=f"key-{mac[:32]}", account=self._account)

    def _mac(self, key: str) -> str:
        # Header bytes that are no UTF-8 come as surrogates.
        sent = key.encode(errors="surrogateescape")
        return hmac.new(self._secret, sent, hashlib.sha256).hexdigest()
