"""``edgeproxy cache``: what has been said and kept, for those who operate it.

``state``    stats and verify: what is kept, and whether it is whole.
``explain``  whether a text would be a hit, and why not.
``purge``    what must not be heard any more.
``moving``   export and import: all of it in one file, to another region or back to where it was.
``voices``   how a voice is written on the command line.
"""

import click

from .explain import explain
from .moving import export_, import_
from .purge import purge
from .state import stats, verify


@click.group()
def cache() -> None:
    """What is kept: look at it, check it, purge it, take it elsewhere."""


for verb in (stats, explain, verify, purge, export_, import_):
    cache.add_command(verb)
