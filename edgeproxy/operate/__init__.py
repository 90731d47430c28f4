"""Floor 4: what the operator sees and does.

``health``  ``/healthz`` and ``/readyz``
``console``  ``/console``: the page, whose files are in ``page/``
"""
