"""Drives the vendor's published Python package 3.0.1, unmodified.

Run by puzzel_python_v3.rs with `steps`, `batches` or `exact` and the base URL as its arguments and, on
standard input, the credentials as JSON; writes one JSON object with what every step gave back. It
judges nothing: that is the test's part.

`steps` makes every kind of call that needs no batch to wait; `batches` wants a carrier that lets
messages go slowly; `exact` makes calls whose bytes are known.
"""

import asyncio
import base64
import datetime
import json
import sys
from dataclasses import fields, is_dataclass
from enum import Enum

# Only this script's own result belongs on standard output.
result_file, sys.stdout = sys.stdout, sys.stderr

from kiota_abstractions.authentication import (
    AnonymousAuthenticationProvider,
    ApiKeyAuthenticationProvider,
    KeyLocation,
)
from kiota_abstractions.base_request_configuration import RequestConfiguration
from kiota_http.httpx_request_adapter import HttpxRequestAdapter
from src.models.gas_settings import GasSettings
from src.models.gateway_request import GatewayRequest
from src.models.message import Message
from src.models.originator_settings import OriginatorSettings
from src.models.originator_type import OriginatorType
from src.models.parameter import Parameter
from src.models.problem_details import ProblemDetails
from src.models.send_window import SendWindow
from src.models.settings import Settings
from src.mt_http_client import MtHttpClient

TODAY = datetime.date.today()
DAY = datetime.timedelta(days=1)
# Everything that is special in a path.
STRANGE_REFERENCE = "my batch/\u00e6?#%2F."


async def outcome(call):
    """What a call gives back, or which exception it raises."""
    try:
        value = await call
    except ProblemDetails as problem:
        return {
            "raised": "ProblemDetails",
            "status": problem.status,
            "title": problem.title,
            "detail": problem.detail,
            "type": problem.type,
            "http_status": problem.response_status_code,
            # What the package's documentation reads.
            "has_error": hasattr(problem, "error"),
            "says_title": bool(problem.title) and problem.title in str(problem),
        }
    except Exception as error:
        status = getattr(error, "response_status_code", None)
        return {"raised": type(error).__name__, "http_status": status}
    return shown(value)


def shown(value):
    if isinstance(value, Enum):
        return value.value
    if is_dataclass(value):
        return {field.name: shown(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, list):
        return [shown(item) for item in value]
    if isinstance(value, bytes):
        return value.decode()
    return value


class Account:
    def __init__(self, base_url, given):
        self.base_url = base_url
        self.service_id = int(given["service_id"])
        self.username = given["username"]
        self.password = given["password"]

    def client(self, authorization=None, base_url=None):
        """A client as the documentation makes it, and for management one that signs in."""
        provider = AnonymousAuthenticationProvider()
        if authorization is not None:
            provider = ApiKeyAuthenticationProvider(
                KeyLocation.Header, authorization, "Authorization"
            )
        adapter = HttpxRequestAdapter(provider)
        adapter.base_url = base_url or self.base_url
        return MtHttpClient(adapter)

    def manager(self, password=None):
        pair = f"{self.username}:{password or self.password}".encode()
        client = self.client("Basic " + base64.b64encode(pair).decode())
        return client.management.by_service_id(self.service_id).batch

    def request(self, *messages, batch=None, **other):
        values = {
            "service_id": self.service_id,
            "username": self.username,
            "password": self.password,
            "batch_reference": batch,
            "message": list(messages),
        }
        return GatewayRequest(**{**values, **other})

    async def send(self, *messages, client=None, **other):
        client = client or self.client()
        return await outcome(client.gw.rs.send_messages.post(self.request(*messages, **other)))


def to(number, content, reference=None, price=None, **settings):
    given = Settings(**settings) if settings else None
    return Message(
        recipient=number, content=content, client_reference=reference, price=price, settings=given
    )


def originator(kind, name):
    return OriginatorSettings(originator_type=kind, originator=name)


def window(first, last):
    """Whole days, so that no clock-change and no zone makes a difference to what waits."""
    return SendWindow(
        start_date=str(first), start_time="00:00:00", stop_date=str(last), stop_time="23:59:59"
    )


async def sends(account, steps):
    steps["minimal"] = await account.send(to("+4741000001", "Hei på deg €"))
    steps["free_with_settings"] = await account.send(
        to(
            "+4741000002",
            "Quote \" \\ and newline\n\N{GRINNING FACE}",
            reference="full-1",
            price=0,
            priority=1,
            validity=120,
            differentiator="grp",
            invoice_node="dept",
            age=0,
            new_session=False,
            auto_detect_encoding=True,
            originator_settings=originator(OriginatorType.Alphanumeric, "Demo"),
            send_window=window(TODAY - DAY, TODAY + DAY),
            parameter=[],
        ),
        batch="batch-1",
    )
    steps["premium"] = await account.send(
        to(
            "+4741000003",
            "Takk for kjøpet",
            reference="premium-1",
            price=200,
            age=18,
            gas_settings=GasSettings(service_code="02001", description="SMS"),
            parameter=[
                Parameter(key="businessModel", value="DONATION"),
                Parameter(key="strex_merchant_sell_option", value="confirmation"),
                Parameter(key="strex_confirm_channel", value="sms"),
                Parameter(key="strex_verification_timeout", value="10"),
            ],
        )
    )
    kinds = [
        (OriginatorType.International, "+4790000000"),
        (OriginatorType.Alphanumeric, "Demo"),
        (OriginatorType.Network, "1960"),
    ]
    steps["originators"] = await account.send(
        *[
            to("+4741000004", kind.value, originator_settings=originator(kind, name))
            for kind, name in kinds
        ]
    )
    steps["parameters"] = await account.send(
        to(
            "+4741000005",
            "48656C6C6F",
            parameter=[
                Parameter(key="dcs", value="F5"),
                Parameter(key="udh", value="0B0504158200000023AB0201"),
                Parameter(key="pid", value="65"),
                Parameter(key="flash", value="true"),
                Parameter(key="parsing-type", value="AUTO_DETECT"),
                Parameter(key="skip_customer_report_delivery", value="true"),
            ],
        )
    )
    steps["several"] = await account.send(
        to("+4741000011", "En", reference="several-1"),
        to("+4741000012", "\N{CYRILLIC CAPITAL LETTER PE}\N{CYRILLIC SMALL LETTER A}", reference="several-2"),
        to("+12", "Tre", reference="several-3"),
        to("+4741000014", "Fire", reference="several-4"),
    )


async def sessions(account, steps):
    short_number = originator(OriginatorType.Network, "1960")
    opened = await account.send(
        to("+4741000008", "Svar ja", originator_settings=short_number, new_session=True)
    )
    steps["session_opened"] = opened
    status = (opened.get("message_status") or [{}])[0]
    steps["session_continued"] = await account.send(
        to(
            "+4741000008",
            "Takk",
            originator_settings=short_number,
            session_id=str(status.get("session_id")),
        )
    )


async def errors(account, steps):
    message = to("+4741000001", "m")
    steps["wrong_password"] = await account.send(message, password="wrong")
    steps["wrong_service"] = await account.send(message, service_id=account.service_id + 1)
    steps["no_messages"] = await account.send()
    # The package drops a value of another type without a word: no service is named.
    steps["service_as_text"] = await account.send(message, service_id=str(account.service_id))
    steps["list_with_wrong_password"] = await outcome(account.manager("wrong").get())
    # As its documentation has it: nobody signs in.
    anonymous = account.client().management.by_service_id(account.service_id).batch
    steps["list_without_credentials"] = await outcome(anonymous.get())
    unknown = account.manager().by_client_batch_reference("batch-9")
    steps["unknown_batch"] = await outcome(unknown.get())
    steps["stop_unknown_batch"] = await outcome(unknown.delete())
    wrong = account.manager("wrong").by_client_batch_reference("batch-9")
    steps["batch_with_wrong_password"] = await outcome(wrong.get())


async def other_ways(account, steps):
    # A base URL that ends in a slash makes a path that begins with two.
    client = account.client(base_url=account.base_url + "/")
    steps["two_slashes"] = await account.send(to("+4741000051", "To skråstreker"), client=client)
    # The package's own parameters for this call cannot carry a message; its raw URLs can.
    raw = (
        f"{account.base_url}/gw/rs/sendMessages?serviceId={account.service_id}"
        f"&username={account.username}&password={account.password}"
        "&message[0].recipient=%2B4741000052&message[0].content=Hei+fra+GET"
    )
    steps["get"] = await outcome(account.client().gw.rs.send_messages.with_url(raw).get())
    steps["get_as_generated"] = await outcome(account.client().gw.rs.send_messages.get())


def defects(account, steps):
    client = account.client()
    # What the package's README calls.
    steps["documented_attributes"] = [hasattr(client, name) for name in ("mgmt", "chimera")]


async def batches(account, steps):
    manager = account.manager()
    for reference, count in (("slow-1", 4), ("slow-2", 2), (STRANGE_REFERENCE, 3)):
        messages = [
            to(f"+47410001{n:02}", f"{reference} {n}", reference=f"{reference}/{n}")
            for n in range(count)
        ]
        steps[f"sent {reference}"] = await account.send(*messages, batch=reference)
    steps["list"] = await outcome(manager.get())
    steps["one"] = await outcome(manager.by_client_batch_reference("slow-1").get())
    steps["stop"] = await outcome(manager.by_client_batch_reference("slow-1").delete())
    steps["one_after_stop"] = await outcome(manager.by_client_batch_reference("slow-1").get())
    strange = manager.by_client_batch_reference(STRANGE_REFERENCE)
    steps["strange_one"] = await outcome(strange.get())
    steps["strange_stop"] = await outcome(strange.delete())
    steps["list_after_stops"] = await outcome(manager.get())


async def exact(account):
    """Calls whose bytes are known. What they get back says nothing."""
    client = account.client()
    post = client.gw.rs.send_messages.post
    minimal = Message(recipient="+4700000001", content="Hei p\u00e5 deg \u20ac")
    await outcome(post(account.request(minimal)))
    full = Message(
        recipient="+4700000001",
        content="Quote \" \\ and newline\n\U0001f600",
        price=0,
        price_xml="<price/>",
        client_reference="ref-1",
        settings=Settings(
            age=18,
            auto_detect_encoding=False,
            differentiator="grp",
            gas_settings=GasSettings(service_code="02001", description="SMS"),
            invoice_node="dept",
            new_session=True,
            originator_settings=originator(OriginatorType.Alphanumeric, "Demo"),
            parameter=[
                Parameter(key="dcs", value="F5"),
                Parameter(key="parsing-type", value="AUTO_DETECT"),
            ],
            priority=3,
            send_window=SendWindow(
                start_date="2026-03-21",
                start_time="09:00:00",
                stop_date="2026-03-22",
                stop_time="17:00:00",
            ),
            session_id="00demosession0000001",
            validity=173,
        ),
    )
    second = Message(
        recipient="+4700000002",
        content="",
        settings=Settings(
            originator_settings=originator(OriginatorType.International, "+4700000000"),
            parameter=[],
        ),
    )
    await outcome(post(account.request(full, second, batch="batch-1")))
    manager = account.client().management.by_service_id(account.service_id).batch
    await outcome(manager.get())
    await outcome(manager.by_client_batch_reference("batch-1").get())
    await outcome(manager.by_client_batch_reference("batch-1").delete())
    await outcome(manager.by_client_batch_reference(STRANGE_REFERENCE).get())
    await outcome(account.manager().by_client_batch_reference("batch-1").get())
    builder = client.gw.rs.send_messages
    parameters = builder.SendMessagesRequestBuilderGetQueryParameters(
        batch_reference="b 1",
        message=["first, one", "second"],
        password="p&s s/\u00e9",
        service_id=1000,
        username="demo",
    )
    await outcome(builder.get(RequestConfiguration(query_parameters=parameters)))
    await outcome(builder.get())


async def main():
    mode, base_url = sys.argv[1:]
    account = Account(base_url, json.load(sys.stdin))
    steps = {}
    if mode == "exact":
        await exact(account)
    elif mode == "batches":
        await batches(account, steps)
    else:
        await sends(account, steps)
        await sessions(account, steps)
        await errors(account, steps)
        await other_ways(account, steps)
        defects(account, steps)
    json.dump(steps, result_file)


asyncio.run(main())
