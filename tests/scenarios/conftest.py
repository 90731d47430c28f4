"""Whole stories over the real command line and real sockets."""

from ..cli.conftest import run, start

__all__ = ["run", "start"]
