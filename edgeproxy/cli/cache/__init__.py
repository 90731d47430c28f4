"""``edgeproxy cache``: what has been said and kept, for those who operate it.

``purge``  what must not be heard any more.
``state``  stats and verify: what is kept, and whether it is whole.
"""

import click

from .purge import purge
from .state import stats, verify


@click.group()
def cache() -> None:
    """What is kept: look at it, check it, purge it."""


for verb in (stats, verify, purge):
    cache.add_command(verb)
