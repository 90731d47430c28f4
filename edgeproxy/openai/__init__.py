"""OpenAI's text-to-speech on the wire, sans-I/O, in Sarvam's terms.

Agents that speak OpenAI's API point their ``base_url`` at us; what they say is read here and becomes a
request as Sarvam's doors know it, and what becomes of it is told in OpenAI's shapes:

``requests``  the body of ``POST /v1/audio/speech``
``voices``    OpenAI's names of voices and models, and who speaks for them here: data
``answers``   the list of models, and the events of a stream that was asked for as such
``errors``    OpenAI's one shape for whatever goes wrong

Nothing here does I/O or waits.
"""
