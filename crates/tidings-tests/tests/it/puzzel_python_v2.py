"""Drives the vendor's published Python package 2.0.4, unmodified.

Run by puzzel_python_v2.rs with `steps` or `exact` and the base URL as its arguments and, on standard
input, the credentials as JSON; writes one JSON object with what every step gave back. It judges
nothing: that is the test's part.

`steps` makes every kind of call that the package can make; `exact` makes two whose bytes are known.
"""

import datetime
import json
import sys
import warnings

# Only this script's own result belongs on standard output.
result_file, sys.stdout = sys.stdout, sys.stderr

# The package builds on what its own dependency calls deprecated.
warnings.simplefilter("ignore")

from puzzel_sms_gateway_client import (
    Client,
    GasSettings,
    Message,
    MessageSettings,
    OriginatorSettings,
    Parameter,
    SendWindow,
)

TODAY = datetime.date.today()
DAY = datetime.timedelta(days=1)


def outcome(call, *args, **kwargs):
    """What a call gives back, or which exception it raises."""
    try:
        value = call(*args, **kwargs)
    except Exception as error:
        return {"raised": type(error).__name__, "says": str(error)}
    return shown(value)


def shown(value):
    """The package gives the answer back as it came."""
    if hasattr(value, "status_code"):
        kind = value.headers.get("Content-Type")
        return {"status": value.status_code, "type": kind, "body": value.json()}
    if isinstance(value, Parameter):
        return {"parameters": value.list()}
    return value


def originator(kind, name):
    return OriginatorSettings(originator_type=kind, originator=name)


def window(first, last):
    """Whole days, so that no clock-change and no zone makes a difference to what waits."""
    return SendWindow(
        start_date=str(first), start_time="00:00:00", stop_date=str(last), stop_time="23:59:59"
    )


def to(number, content, reference=None, price=None, **settings):
    given = MessageSettings(**settings) if settings else None
    return Message(
        recipient=number, content=content, price=price, client_reference=reference, settings=given
    )


def sends(client, steps):
    steps["minimal"] = outcome(client.send, [to("+4741000001", "Hei på deg €")])
    steps["free_with_settings"] = outcome(
        client.send,
        [
            to(
                "+4741000002",
                "Grüße, \N{GREEK SMALL LETTER LAMDA}",
                reference="full-1",
                price=0,
                priority=3,
                validity=173,
                differentiator="grp",
                invoice_node="dept",
                age=0,
                new_session=False,
                auto_detect_encoding=True,
                safe_remove_non_gsm_characters=False,
                originator_settings=originator("ALPHANUMERIC", "Demo"),
                send_window=window(TODAY - DAY, TODAY + DAY),
            )
        ],
    )
    steps["premium"] = outcome(
        client.send,
        [
            to(
                "+4741000003",
                "Takk for kjøpet",
                reference="premium-1",
                price=200,
                age=18,
                gas_settings=GasSettings(service_code="02001", description="SMS"),
                parameter=Parameter(
                    business_model="DONATION",
                    strex_verification_timeout="10",
                    strex_merchant_sell_option="confirmation",
                    strex_confirm_channel="sms",
                ),
            )
        ],
    )
    kinds = [("INTERNATIONAL", "+4790000000"), ("ALPHANUMERIC", "Demo"), ("NETWORK", "1960")]
    steps["originators"] = outcome(
        client.send,
        [to("+4741000004", kind, originator_settings=originator(kind, name)) for kind, name in kinds],
    )
    steps["parameters"] = outcome(
        client.send,
        [
            to(
                "+4741000005",
                "48656C6C6F",
                parameter=Parameter(
                    dcs="F5",
                    udh="0B0504158200000023AB0201",
                    pid=65,
                    flash=True,
                    parsing_type="AUTO_DETECT",
                    skip_customer_report_delivery=True,
                ),
            )
        ],
    )
    steps["parsing_types"] = outcome(
        client.send,
        [
            to("+4741000006", "A\N{LATIN SMALL LETTER A WITH ACUTE}", parameter=Parameter(parsing_type=kind))
            for kind in (
                "NONE",
                "SAFE_REMOVE_NON_GSM",
                "SAFE_REMOVE_NON_GSM_WITH_REPLACE",
                "AUTO_DETECT",
            )
        ],
    )
    steps["window_of_tomorrow"] = outcome(
        client.send, [to("+4741000007", "I morgen", send_window=window(TODAY + DAY + DAY, TODAY + 3 * DAY))]
    )


def sessions(client, steps):
    short_number = originator("NETWORK", "1960")
    opened = outcome(
        client.send, [to("+4741000008", "Svar ja", originator_settings=short_number, new_session=True)]
    )
    steps["session_opened"] = opened
    status = opened.get("body", {}).get("messageStatus", [{}])[0]
    steps["session_continued"] = outcome(
        client.send,
        [
            to(
                "+4741000008",
                "Takk",
                originator_settings=short_number,
                session_id=str(status.get("sessionId")),
            )
        ],
    )


def several(client, steps):
    steps["several"] = outcome(
        client.send,
        [
            to("+4741000011", "En", reference="several-1"),
            to("+4741000012", "\N{CYRILLIC CAPITAL LETTER PE}\N{CYRILLIC SMALL LETTER A}", reference="several-2"),
            to("+12", "Tre", reference="several-3"),
            to("+4741000014", "Fire", reference="several-4"),
        ],
    )
    # Every recipient gets the first message; the second is forgotten.
    steps["to_recipients"] = outcome(
        client.send,
        [Message(content="Til alle", client_reference="same"), Message(content="Glemt")],
        recipients=["+4741000021", "+4741000022"],
    )


def errors(make_client, client, steps):
    steps["wrong_password"] = outcome(make_client(password="wrong").send, [to("+4741000001", "m")])
    steps["wrong_user"] = outcome(make_client(username="nobody").send, [to("+4741000001", "m")])
    steps["no_messages"] = outcome(client.send, [])
    steps["no_recipient"] = outcome(client.send, [Message(content="m")])
    steps["no_plus"] = outcome(to, "4741000001", "m")
    steps["two_pluses"] = outcome(client.send, [to("+4+741000001", "m")])
    steps["empty_content"] = outcome(client.send, [to("+4741000001", "")])
    steps["no_date"] = outcome(SendWindow, start_date="21.03.2026", start_time="09:00:00")
    steps["bad_age"] = outcome(MessageSettings, age=17)


def defects(client, steps):
    # The package writes `parsing-type` over these letters wherever they stand.
    steps["text_with_a_key"] = outcome(
        client.send,
        [to("+4741000031", "Set parsing_type", parameter=Parameter(parsing_type="NONE"))],
    )
    # Its validators let pass what they should refuse, and the other way round.
    steps["dcs_of_three"] = outcome(Parameter, dcs="000")
    steps["timeout_of_31"] = outcome(Parameter, strex_verification_timeout="31")
    steps["pid_of_none"] = outcome(Parameter, pid=None)
    steps["stop_date_of_none"] = outcome(
        SendWindow, start_date="2026-03-21", start_time="09:00:00", stop_date=None
    )
    steps["model_list"] = outcome(Parameter, business_model="DONATION")


def exact(client):
    """Two calls whose bytes are known."""
    text = "Hei p\u00e5 deg \u20ac"
    client.send([to("+4700000001", text)])
    parameter = Parameter(business_model="DONATION", pid=65, flash=True, parsing_type="AUTO_DETECT")
    client.send([to("+4700000001", text, parameter=parameter)])


def main():
    mode, base_url = sys.argv[1:]
    given = json.load(sys.stdin)
    given["service_id"] = int(given["service_id"])

    def make_client(**other):
        values = {name: given[name] for name in ("service_id", "username", "password")}
        # The base address of this generation of clients holds the first part of the path.
        return Client(**{**values, "base_address": base_url + "/gw/rs", **other})

    client = make_client()
    steps = {}
    if mode == "exact":
        exact(client)
    else:
        sends(client, steps)
        sessions(client, steps)
        several(client, steps)
        steps["with_batch"] = outcome(
            make_client(batch_reference="batch-1").send, [to("+4741000041", "I gruppe")]
        )
        errors(make_client, client, steps)
        defects(client, steps)
    json.dump(steps, result_file)


main()
