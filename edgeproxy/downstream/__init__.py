"""Floor 4: the client half. Sarvam's doors, as their clients know them (R1-R14), and OpenAI's.

``auth``       who may come in, whose audio they hear, who pays: what the doors know of it
``tenants``    proxy mode: tokens of ours, and what each tenant may (``terms``, ``rates``, ``ledger``)
``proof``      passthrough mode: the client's own key, held against the origin (``proofs``)
``secret``     what turns a key into a name that tells nothing of it
``asking``     from a client's cuts to asks
``answers``    every failure in Sarvam's own shape
``encoding``   PCM to the client's codec: messages ready for the wire, or one encoder per turn
``door``       what goes out on one socket, in order
``sender``     how a segment, and the end of a turn, go out
``reply``      what is known of a turn on its way out
``facts``      what is told of a turn
``websocket``  one conversation: parse, turn, segments
``closing``    the end of a socket, in time whether its client reads or not
``http``       REST and HTTP stream
``openai``     OpenAI's speech and models, spoken as the HTTP stream
``routes``     the paths
``passthrough``  everything else of Sarvam's API, passed on: ``paths`` what is asked for, ``carried`` headers,
               ``upload`` bodies, ``tunnel`` WebSockets
``limits``     connections: how many, how long for a head, how much unread
"""
