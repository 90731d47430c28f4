"""``edgeproxy phrases``: the phrase books, for those who write them. docs/phrases.md is their page.

``rooms``       what the verbs open, and how they say what things cost.
``books``       check and schema: the files alone, without network, key or data.
``making``      plan and build: what would be made, and making it.
``listing``     list: how each phrase stands.
``speaking``    history and use: the generations, and which of them is heard.
``naming``      how phrases and their recordings are named.
``suggestion``  suggest: what callers heard often and no book holds yet.
"""

import click

from .books import check, schema
from .listing import list_
from .making import build, plan
from .speaking import history, use
from .suggestion import suggest


@click.group()
def phrases() -> None:
    """Phrase books: check them, make their recordings, choose what is heard."""


for verb in (check, plan, build, list_, history, use, suggest, schema):
    phrases.add_command(verb)
