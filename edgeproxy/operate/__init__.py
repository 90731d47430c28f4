"""Floor 4: what the operator sees. So far: health.

``health``  ``/healthz`` and ``/readyz``
"""
