"""The origin's REST door: for the sample rates its WebSocket has not (above 24,000 Hz).

One request, one answer, everything in it: slower to the first byte, and the only way to such a rate.
"""

import asyncio
from collections.abc import Callable
from time import monotonic

import aiohttp

from ..core.errors import OriginBabble, OriginClosed, OriginSilent, OriginUnreachable
from ..core.voice import Voice
from ..sarvam import requests
from ..sarvam.handshake import KEY_HEADER, REST_PATH, origin_url
from ..sarvam.messages import WireError
from ..sarvam.refusals import Refusal, retry_after_s
from .pools import Account
from .session import MakeDecoder, OriginRefused, Utterance


class RestDoor:
    """Speaks one text a request over kept-alive connections. Close it when done."""

    def __init__(
        self, origin: str, *, user_agent: str, timeout_s: float, make_decoder: MakeDecoder
    ) -> None:
        self._url = origin_url(origin, REST_PATH)
        self._timeout_s = timeout_s
        self._make_decoder = make_decoder
        self._client = aiohttp.ClientSession(headers={"User-Agent": user_agent})

    async def speak(
        self,
        account: Account,
        voice: Voice,
        text: str,
        *,
        into: Callable[[bytes], None],
        on_sent: Callable[[Utterance], None],
    ) -> Utterance:
        """Speak ``text``; give its PCM to ``into``, all at once. Raises an OriginError."""
        utterance = Utterance(into=into, decoder=self._make_decoder("wav", voice.rate))
        utterance.sent = monotonic()
        on_sent(utterance)
        try:
            async with (
                asyncio.timeout(self._timeout_s),
                self._client.post(
                    self._url,
                    allow_redirects=False,  # the key is for this origin and no other
                    data=requests.say_request(voice.fields, text, codec="wav"),
                    headers={KEY_HEADER: account.key, "Content-Type": "application/json"},
                ) as response,
            ):
                body = await response.read()
                if response.status != 200:
                    again_in_s = retry_after_s(response.headers.get("Retry-After"))
                    raise OriginRefused(
                        Refusal.from_body(response.status, body, retry_after_s=again_in_s)
                    )
                utterance.hear(requests.hear_answer(body))
                utterance.finish()
        except TimeoutError:
            raise OriginSilent(f"no answer within {self._timeout_s:g} s") from None
        except aiohttp.ClientConnectorError as error:
            why = error.strerror or type(error).__name__
            raise OriginUnreachable(f"no connection to the origin: {why}") from error
        except aiohttp.ClientError as error:
            # Only the kind of it: such a text may quote a header, and one of ours is the key.
            raise OriginClosed(f"the origin's answer broke off: {type(error).__name__}") from None
        except (WireError, ValueError) as error:
            raise OriginBabble(
                f"the origin's answer can't be read: {type(error).__name__}"
            ) from None
        utterance.done.set_result(None)
        return utterance

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()
