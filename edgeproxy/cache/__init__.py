"""Floor 1: what has been said. Clips grow in flights, rest as records, are kept hot in memory.

``clip``    the audio of one segment: growing, then complete or failed. Both rivers meet here.
``flight``  the fact that an identity is being filled: at most one at a time.
``record``  a clip at rest: header, identity, PCM, checksum.
``store``   records on disk: what is kept, and what is evicted.
``inventory`` what lies there, as far as this process knows, and who goes first.
``disk``    values by key in a folder (diskcache's only door).
``memory``  complete clips, bounded in bytes, with their messages ready for the wire.
``admission`` what is kept without anybody having asked for it.
``purge``   what must not be heard any more.
``counts``  how often something happened, by identity and day.
``demand``  what callers asked for that no book says, and how often the origin had to be asked.
``durable`` files that are there whole or not at all.
"""
