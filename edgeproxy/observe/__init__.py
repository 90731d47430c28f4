"""Floor 1: reads facts, calls nobody.

``log``  one line per turn, and the few facts an operator must see.
"""
