"""Floor 4: what the operator sees and does.

``health``    ``/healthz`` and ``/readyz``
``guard``     who may look, and who may change something
``api``       calls by HTTP, and their description
``admin``     the calls, and what each of them does
``overview``  how things stand; from ``recent`` (turns), ``day`` (sums), and the rooms themselves
``gauges``    the same, for the metrics
``takes``     the recordings of the books, for whoever listens to them
``purging``   from "this must not be heard any more" to nothing being left of it
``explain``   would this be a hit, and if not, why not: from ``found`` (what would become of a segment),
              ``near`` (other recordings of its text) and ``reasons`` (the sentences); ``explanation`` has
              its values
"""
