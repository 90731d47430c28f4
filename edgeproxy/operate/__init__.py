"""Floor 4: what the operator sees and changes.

``health``    ``/healthz`` and ``/readyz``.
``overview``  how things stand at a moment; ``gauges``: the same for ``/metrics``.
``recent``    the turns of the last minutes; ``day``: the sums of the day.
``guard``     who may look, and who may change something.
``api``       calls by HTTP: a table, one way through it, its description.
``admin``     the calls there are; ``takes``: those about recordings of the books.
``console``   the page that is made of them.
``purging``   from "this must not be heard any more" to nothing being left of it.
``explain``   would this be a hit, and if not, why not: from ``found`` (what would become of a segment),
              ``near`` (other recordings of its text) and ``reasons`` (the sentences); ``explanation``
              has the values.
``exporting`` all that is kept, into an archive; ``importing``: what one has and this installation has not.
``archive``   what is in one, and whether that holds together; ``tar``: one file, sealed.
"""
