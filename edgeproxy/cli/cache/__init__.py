"""``edgeproxy cache``: what has been said and kept, for those who operate it.

``purge``  what must not be heard any more.
``state``  stats and verify: what is kept, and whether it is whole.
``moving`` export and import: all of it in one file, to another region or back to where it was.
"""

import click

from .moving import export_, import_
from .purge import purge
from .state import stats, verify


@click.group()
def cache() -> None:
    """What is kept: look at it, check it, purge it, take it elsewhere."""


for verb in (stats, verify, purge, export_, import_):
    cache.add_command(verb)
