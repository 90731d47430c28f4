"""Floor 3: phrase books. What product people write in YAML, compiled into what turns look up.

``book``       the format, as a model; the JSON Schema comes from it.
``written``    what may be written into a field: texts, lists, durations, days.
``cron``       when a book is gone through.
``source``     YAML without meaning: plain values, each with its line and column. PyYAML's door for books.
``reader``     from a file to a book, or to everything that is wrong with it.
``problem``    one thing to put right.
``cast``       who speaks: from book, phrase and language to voices.
``template``   from a phrase to its texts.
``recording``  human recordings that stand in for a voice.
``shelf``      a folder of books, held against each other.
``library``    what turns look up. Read this one first.
``quietly``    large work, unnoticed by live traffic.
``view``       the part of it that one caller may hear.

``pinned``       the unit of generation, as it is kept.
``generations``  what was made of each unit, and which of it is heard: the pointer.
``hits``         how often callers heard each unit.
``due``          what is to be made, and why.
``greetings``    what callers wait for first, loaded ahead.
``studio``       where takes are made, and judged.
``generate``     the making: budget, store, pointer, one run at a time.
"""
