"""Sarvam's text-to-speech on the wire, sans-I/O, once, for all three speakers of it.

The client half hears what clients say and answers as Sarvam would; the origin half says it to Sarvam
and hears Sarvam's answers; the emulator *is* Sarvam. All three use the same files:

``handshake``  the WebSocket's query, the three ways to carry a credential
``messages``   the messages of the WebSocket, in and out
``requests``   the JSON bodies and answers of REST and HTTP stream
``fields``     what a config and a body have in common, read strictly, kept canonically
``models``     what each model knows, ignores and allows: data, and the rules that read it
``speakers``   who speaks, by model
``refusals``   Sarvam's error texts, in the shape of each door
``request_id`` the ids of requests, as Sarvam writes them

Nothing here does I/O, waits or imports another room.
"""
