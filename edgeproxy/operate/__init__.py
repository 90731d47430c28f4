"""Floor 4: what the operator sees and does.

``health``    ``/healthz`` and ``/readyz``
``purging``   from "this must not be heard any more" to nothing being left of it
``exporting`` all that is kept, into an archive
``importing`` what an archive has and this installation has not
``archive``   what is in one, and whether that holds together
``tar``       one file, sealed
"""
