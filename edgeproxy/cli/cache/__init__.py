"""``edgeproxy cache``: what has been said and kept, for those who operate it.

``explain``  whether a text would be a hit, and why not.
``purge``    what must not be heard any more.
``state``    stats and verify: what is kept, and whether it is whole.
``voices``   how a voice is written on the command line.
"""

import click

from .explain import explain
from .purge import purge
from .state import stats, verify


@click.group()
def cache() -> None:
    """What is kept: look at it, check it, purge it."""


for verb in (stats, explain, verify, purge):
    cache.add_command(verb)
