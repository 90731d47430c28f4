"""Floor 1: the origin half. Sessions that are open and configured before anybody asks.

``session``  one origin WebSocket: dial, configure, speak, end.
``pool``     the sessions of one (account, model), kept in books.
``breaker``  whether the origin is asked at all, by (account, model).
``pools``    all of them.
``places``   how many sessions an account may hold, whatever the model.
``rest``     the origin's REST door, for the rates its WebSocket has not.
``relay``    requests and WebSockets for what is not speech, passed on as they come.
``backoff``  how long to leave the origin alone.
"""
