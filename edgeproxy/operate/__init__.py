"""Floor 4: what the operator sees and does.

``health``       ``/healthz`` and ``/readyz``
``purging``      from "this must not be heard any more" to nothing being left of it
``explain``      would this be a hit, and if not, why not: put together from what follows
``explanation``  the question and the answer, as values
``found``        what would become of a segment
``near``         other recordings of the same text
``reasons``      the sentences
"""
