"""Who may come in, and whose audio they hear.

With keys configured only those are let in; without, any key is, but none at all is turned away as
Sarvam does. What is spoken for a client lies in a namespace of its own: an HMAC of the key it sent,
under a secret of this installation, so that no key can be read back from a disk or a log.
"""

import hashlib
import hmac
import os
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from ..upstream.pool import Account


@dataclass(frozen=True, slots=True)
class Client:
    """Somebody who was let in. ``namespace``: whose audio it hears; ``account``: who pays."""

    namespace: str
    account: Account


def install_secret(directory: Path) -> bytes:
    """The secret of this installation, made at its first start; 32 bytes, readable by its owner only."""
    path = directory / "install-secret"
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        # Exclusive, and 0600 from the first byte on.
        with open(path, "xb", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
            file.write(secrets.token_bytes(32))
    except FileExistsError:
        pass
    secret = path.read_bytes()
    if len(secret) != 32:
        raise ValueError(f"{path} is damaged: {len(secret)} bytes, not 32; remove it to begin anew")
    return secret


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
        return hmac.new(self._secret, key.encode(), hashlib.sha256).hexdigest()
