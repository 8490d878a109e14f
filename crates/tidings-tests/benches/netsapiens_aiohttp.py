"""A loop that opens a connection for each call, for netsapiens_throughput.rs: prints calls per second."""
import asyncio, sys, time
import aiohttp
base_url, n_tasks, seconds, username, password, from_number, to, text = sys.argv[1:]
api = base_url + "/ns-api/v2"
message = {"type": "sms", "message": text, "destination": [to[1:]], "from-number": from_number[1:]}
path = "/domains/~/users/~/messagesessions/bench_session_00112233445566778899/messages"
async def post(path, body, token=None):
    headers = {"Authorization": "Bearer " + token} if token else {}
    async with aiohttp.ClientSession() as session:
        async with session.post(api + path, json=body, headers=headers) as answer:
            return await answer.json()
async def main():
    client = {"grant_type": "password", "client_id": "bench", "client_secret": "bench-secret"}
    signed_in = await post("/tokens", {**client, "username": username, "password": password})
    token = signed_in["access_token"]
    n, over = 0, False
    async def work():
        nonlocal n
        while not over:
            answer = await post(path, message, token)
            assert answer["code"] == 202
            n += 1
    started = time.monotonic()
    tasks = [asyncio.create_task(work()) for _ in range(int(n_tasks))]
    await asyncio.sleep(float(seconds))
    counted, elapsed = n, time.monotonic() - started
    over = True
    await asyncio.gather(*tasks)
    print(counted / elapsed)
asyncio.run(main())
