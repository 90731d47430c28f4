"""Floor 1: codecs at the doors, and rules on what is worth keeping. Inside the house there is only PCM.

PyAV and numpy have their only door here. Everything is sans-I/O, synchronous and without threads of
its own: whoever has much of it to do calls it off the event loop. What is not audio, or not the
codec it was said to be, raises :class:`ValueError`; no library's own exception leaves this room.

``decode``    push decoders (bytes of a stream in, PCM out) and whole files.
``encode``    push encoders (PCM in, packets out) and whole files.
``frames``    where a frame of MP3 or AAC begins and ends, and what an MP3 says about its own padding.
``g711``      mu-law and A-law, as tables.
``wav``       the RIFF header, with true sizes and without.
``resample``  from one sample rate to another, exact in length.
``quality``   faults of a recording, before it is kept.
"""
