"""Calls by HTTP: what is not meant, not allowed or not well-formed changes nothing and says why."""

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from edgeproxy.core.events import AdminCalled, Event
from edgeproxy.operate.api import Api, Asked, Body, Call
from edgeproxy.operate.guard import Guard, NotDone

from .conftest import TOKEN, Operator


class Wish(Body):
    """What is wished for."""

    word: str
    """Any."""
    often: int = 1


class Said:
    """An API of three calls, and what was done by them."""

    def __init__(self) -> None:
        self.done: list[object] = []
        self.facts: list[Event] = []
        calls = [
            Call(method="GET", path="/admin/words/{word}", says="One word.", do=self.look),
            Call(
                method="POST",
                path="/admin/words/{word}",
                says="Wish.",
                do=self.wish,
                body=Wish,
                changes=True,
                status=202,
            ),
            Call(method="GET", path="/admin/count", says="A number.", do=self.number),
        ]
        self.api = Api(
            calls,
            description="/admin/openapi.json",
            guard=Guard(token=TOKEN, loopback=True),
            emit=self.facts.append,
        )

    async def look(self, asked: Asked) -> object:
        return asked.names

    async def wish(self, asked: Asked) -> object:
        if asked.body.word == "taken":
            raise NotDone(409, "busy", "somebody has it")
        self.done.append(asked.body)
        return {"often": asked.body.often}

    async def number(self, asked: Asked) -> object:
        return {"n": asked.number("n", 5, least=1, most=1000)}


@pytest.fixture
def said() -> Said:
    return Said()


@pytest.fixture
async def operator(said: Said, http: aiohttp.ClientSession):  # type: ignore[no-untyped-def]
    app = web.Application(client_max_size=1000)
    app.router.add_route("*", "/admin/{call:.*}", said.api.answer)
    async with TestServer(app) as server:
        yield Operator(http, str(server.make_url("")).rstrip("/"))


async def test_a_call_is_done_and_told(operator: Operator, said: Said) -> None:
    assert await operator.look("words/blue%20sky") == {"word": "blue sky"}
    assert await operator.call("POST", "words/x", {"word": "a", "often": 3}) == (202, {"often": 3})
    assert said.done == [Wish(word="a", often=3)]
    (fact,) = said.facts
    assert isinstance(fact, AdminCalled)
    assert (fact.action, fact.ok, fact.address) == ("POST /admin/words/{word}", True, "127.0.0.1")


@pytest.mark.parametrize(
    ("body", "said_of_it"),
    [
        ({}, "word: Field required; the fields are: word, often"),
        ({"word": 1}, "word: Input should be a valid string"),
        ({"word": "a", "loud": True}, "loud: Extra inputs are not permitted"),
        ({"word": "a", "often": "many"}, "often: Input should be a valid integer"),
        ([], "the body: Input should be"),
        ("word", "the body: Input should be"),
    ],
)
async def test_a_wrong_body_is_one_sentence_and_nothing_is_done(
    operator: Operator, said: Said, body: object, said_of_it: str
) -> None:
    status, found = await operator.call("POST", "words/x", body)
    assert (status, found["error"]["code"]) == (400, "body")
    assert said_of_it in found["error"]["message"]
    assert said.done == []
    assert [fact.ok for fact in said.facts if isinstance(fact, AdminCalled)] == [False]


@pytest.mark.parametrize(
    ("sent", "kind", "status"),
    [
        (b'{"word": ', "application/json", 400),
        (b"\xff\xfe", "application/json", 400),
        (b"word=a", "application/x-www-form-urlencoded", 415),
        (b'{"word": "a"}', "text/plain", 415),
        (b'{"word": "' + b"a" * 2000 + b'"}', "application/json", 413),
    ],
)
async def test_what_is_no_json_is_refused(
    operator: Operator, said: Said, sent: bytes, kind: str, status: int
) -> None:
    headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": kind}
    url = f"{operator.url}/admin/words/x"
    async with operator.session.post(url, data=sent, headers=headers) as answer:
        assert (answer.status, (await answer.json())["error"]["code"]) == (status, "body")
    assert said.done == []


async def test_what_there_is_not_says_where_to_look(operator: Operator) -> None:
    assert await operator.refused("GET", "nothing") == (404, "unknown")
    assert await operator.refused("DELETE", "words/x") == (405, "method")
    assert await operator.refused("GET", "words/x/y") == (404, "unknown")


async def test_without_the_token_nothing_is_done(operator: Operator, said: Said) -> None:
    for token in (None, "wrong"):
        assert await operator.refused("POST", "words/x", {"word": "a"}, token=token) == (
            401,
            "token",
        )
    assert said.done == []
    assert [fact.ok for fact in said.facts if isinstance(fact, AdminCalled)] == [False, False]


async def test_the_token_is_in_no_fact(operator: Operator, said: Said) -> None:
    await operator.call("POST", "words/x", {"word": "a"})
    await operator.call("POST", "words/x", {"word": "a"}, token="another-secret")
    assert TOKEN not in repr(said.facts)
    assert "another-secret" not in repr(said.facts)


async def test_what_a_call_can_not_do_is_told_as_it_says(operator: Operator, said: Said) -> None:
    assert await operator.refused("POST", "words/x", {"word": "taken"}) == (409, "busy")
    assert [fact.outcome for fact in said.facts if isinstance(fact, AdminCalled)] == [
        "somebody has it"
    ]


@pytest.mark.parametrize("n", ["0", "1001", "-1", "1.5", "x", "", "१", "9" * 5000])
async def test_a_number_of_the_query_is_one(operator: Operator, n: str) -> None:
    assert await operator.look("count?n=7") == {"n": 7}
    assert await operator.refused("GET", f"count?n={n}") == (400, "query")


async def test_it_describes_itself(operator: Operator) -> None:
    described = await operator.look("openapi.json")
    wish = described["paths"]["/admin/words/{word}"]["post"]
    assert wish["security"] == [{"token": []}]
    schema = wish["requestBody"]["content"]["application/json"]["schema"]
    assert (schema["required"], schema["additionalProperties"]) == (["word"], False)
    assert "security" not in described["paths"]["/admin/words/{word}"]["get"]
    assert described["components"]["schemas"]["Error"]
