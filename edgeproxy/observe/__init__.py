"""Floor 1: reads facts, calls nobody.

``catalogue``  every metric there is, and what it means.
``metrics``    from facts to figures.
``log``        one line per turn, and the few facts an operator must see.
"""
