"""Makes the calls of netsapiens-asyncio, the Python client that people use with this API.

That client is in no package index, so its calls are made here by hand with the library that it is
built on, `aiohttp`, in the form that it gives them: always https, a session and so a connection of its
own for every call, JSON for the token, `~` for who sends, a list for whoever receives, the sender's
number with every type of message, a file's size as a text, no part of a path encoded, and the model
with every change of a subscription.

Run by netsapiens_python.rs with the base URL and the address of the customer's server as its arguments
and, on standard input, what `tidings sim` printed; the certificate to trust comes in the variable
SSL_CERT_FILE, as a program that nobody changes gets it. Writes one JSON object with what every step gave
back. It judges nothing: that is the test's part.
"""

import asyncio
import base64
import datetime
import json
import random
import string
import sys

import aiohttp

OWN_SESSION = "valid_session_id_with_32_or_more_characters_1234"
PHONE, OTHER_PHONE = "15550101234", "15550105678"
# As long as in the client's documentation, and begins as a JPEG does: a gateway's own client looks.
PICTURE = b"\xff\xd8\xff\xe0" + bytes(1020)


class Pbx:
    def __init__(self, base_url, given):
        # The client takes a host and puts this in front itself.
        self.base = "https://" + base_url.removeprefix("https://")
        self.given = given
        self.token = None

    async def call(self, method, path, body=None, params=None, token=None):
        """One call: its status and its JSON, or what reading it raised."""
        headers = {"Accept": "application/json"}
        if token := token or self.token:
            headers["Authorization"] = "Bearer " + token["access_token"]
        async with aiohttp.ClientSession() as session:
            async with session.request(
                method, self.base + path, json=body, params=params, headers=headers
            ) as answer:
                try:
                    return {"status": answer.status, "json": await answer.json()}
                except (aiohttp.ClientError, ValueError) as error:
                    return {"status": answer.status, "raised": type(error).__name__}

    async def api(self, method, path, body=None, params=None, token=None):
        return await self.call(method, "/ns-api/v2" + path, body, params, token)

    async def tokens(self, **request):
        client = {name: self.given[name] for name in ("client_id", "client_secret")}
        async with aiohttp.ClientSession() as session:
            async with session.post(
                self.base + "/ns-api/v2/tokens", json={**client, **request}
            ) as answer:
                return {"status": answer.status, "json": await answer.json()}

    async def sign_in(self, **other):
        user = {name: self.given[name] for name in ("username", "password")}
        return await self.tokens(grant_type="password", **{**user, **other})

    async def refresh(self, token):
        return await self.tokens(grant_type="refresh_token", refresh_token=token["refresh_token"])

    async def send(self, kind, message, destination, session=None, data=None, mime=None, size=None):
        body = {
            "type": kind,
            "message": message,
            "destination": destination if isinstance(destination, list) else [destination],
            "from-number": self.given["from_number"].removeprefix("+"),
        }
        if data is not None:
            body |= {"data": data, "mime-type": mime, "size": str(size)}
        path = "/domains/~/users/~"
        if session is not None:
            path += f"/messagesessions/{session}"
        return await self.api("POST", path + "/messages", body)


async def signing_in(pbx, steps):
    steps["wrong_password"] = await pbx.sign_in(password="wrong")
    steps["no_token"] = await pbx.api("GET", "/domains/~/users/~/messagesessions")
    signed_in = steps["token"] = await pbx.sign_in()
    pbx.token = signed_in["json"]


async def messages(pbx, steps):
    steps["send_new"] = await pbx.send("sms", "Hello, this is a test message!", PHONE)
    steps["send_own_session"] = await pbx.send("sms", "A follow-up", PHONE, OWN_SESSION)
    made = steps["send_new"].get("json") or {}
    session = (made[0] if isinstance(made, list) else made).get("messagesession-id")
    steps["send_existing"] = await pbx.send("sms", "12345", PHONE, session)
    steps["send_mms"] = await pbx.send(
        "mms",
        "Here's a photo!",
        [PHONE, OTHER_PHONE],
        data=base64.b64encode(PICTURE).decode(),
        mime="image/jpeg",
        size=len(PICTURE),
    )
    user = "/domains/~/users/~/messagesessions"
    steps["sessions_of_domain"] = await pbx.api("GET", "/domains/~/messagesessions")
    steps["sessions_of_user"] = await pbx.api("GET", user)
    steps["one_session_of_user"] = await pbx.api("GET", user, params={"limit": 1})
    steps["messages_of_session"] = await pbx.api("GET", f"{user}/{session}/messages")
    steps["messages_of_own_session"] = await pbx.api("GET", f"{user}/{OWN_SESSION}/messages")
    # Nothing in the path is encoded, so this leaves its place.
    hostile = "../../../../tokens?x="
    steps["hostile_session"] = await pbx.api("GET", f"{user}/{hostile}/messages")


async def subscriptions(pbx, steps, customer):
    token = pbx.token
    wanted = {
        "model": "message",
        "post-url": customer + "?k=abc",
        "subscription-geo-support": "yes",
        "reseller": token["territory"],
        "domain": token["domain"],
        "user": token["user"],
    }
    created = steps["create"] = await pbx.api("POST", "/subscriptions", wanted)
    own = created.get("json", {}).get("id")
    steps["create_again"] = await pbx.api("POST", "/subscriptions", wanted)
    everybody = {"reseller": "*", "domain": "*", "user": "*"}
    steps["create_for_everybody"] = await pbx.api("POST", "/subscriptions", wanted | everybody)
    steps["list"] = await pbx.api("GET", "/subscriptions", params={"limit": 10})
    steps["one"] = await pbx.api("GET", f"/subscriptions/{own}")
    later = {"model": "message", "subscription-expires-datetime": "2046-01-01 00:00:00"}
    steps["update"] = await pbx.api("PUT", f"/subscriptions/{own}", later)
    # The client sends a text where it resets a counter.
    reset = {"model": "message", "error-count": "0", "posts-count": "0"}
    steps["reset"] = await pbx.api("PUT", f"/subscriptions/{own}", reset)
    steps["one_after_update"] = await pbx.api("GET", f"/subscriptions/{own}")
    steps["told"] = await pbx.send("sms", "Tell me", PHONE, OWN_SESSION)
    # Long enough for a round of posts, which is every three seconds.
    for _ in range(100):
        one = await pbx.api("GET", f"/subscriptions/{own}")
        if one.get("json", {}).get("status") != "pending":
            break
        await asyncio.sleep(0.1)
    steps["one_after_post"] = one
    steps["delete"] = await pbx.api("DELETE", f"/subscriptions/{own}")
    steps["one_after_delete"] = await pbx.api("GET", f"/subscriptions/{own}")
    steps["list_after_delete"] = await pbx.api("GET", "/subscriptions")


async def calls(pbx, steps):
    domain, user = pbx.token["domain"], pbx.token["user"]
    now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%d%H%M%S")
    chance = "".join(random.choices(string.ascii_letters + string.digits, k=6))
    call_id = f"nsaio{now}r{chance}"
    body = {
        "synchronous": "no",
        "call-id": call_id,
        "call-term-user": PHONE,
        "dial-rule-application": "call",
        "call-orig-user": f"{user}@{domain}",
        "auto-answer-enabled": "no",
    }
    steps["call_id"] = call_id
    steps["new_call"] = await pbx.api("POST", f"/domains/{domain}/users/{user}/calls", body)
    steps["calls_of_domain"] = await pbx.api("GET", f"/domains/{domain}/calls")
    one = f"/domains/{domain}/users/{user}/calls/{call_id}"
    steps["one_call"] = await pbx.api("GET", one)
    # For the calls of a user the client reads the user.
    steps["calls_of_user"] = await pbx.api("GET", f"/domains/{domain}/users/{user}")


async def refreshing(pbx, steps):
    """Five calls find the token expired, and nothing in the client lets one of them go first."""
    steps["expire"] = await pbx.call("POST", "/_sim/expire-tokens")
    steps["expired"] = await pbx.api("GET", "/subscriptions")
    old = pbx.token
    answers = await asyncio.gather(*[pbx.refresh(old) for _ in range(5)])
    steps["refreshes"] = sorted(answers, key=lambda answer: answer["status"])
    pbx.token = steps["refreshes"][0]["json"]
    steps["after_refresh"] = await pbx.api("GET", "/subscriptions")


async def main(base_url, customer):
    pbx, steps = Pbx(base_url, json.load(sys.stdin)), {}
    await signing_in(pbx, steps)
    await messages(pbx, steps)
    await subscriptions(pbx, steps, customer)
    await calls(pbx, steps)
    await refreshing(pbx, steps)
    json.dump(steps, sys.stdout)


asyncio.run(main(*sys.argv[1:]))
