"""The vendor's client 3.0.1 in tasks, for puzzel_throughput.rs: prints calls per second."""
import asyncio, sys, time
from kiota_abstractions.authentication import AnonymousAuthenticationProvider
from kiota_http.httpx_request_adapter import HttpxRequestAdapter
from src.models.gateway_request import GatewayRequest
from src.models.message import Message
from src.mt_http_client import MtHttpClient
base_url, n_tasks, seconds, n_messages, service_id, username, password, text = sys.argv[1:]
adapter = HttpxRequestAdapter(AnonymousAuthenticationProvider())
adapter.base_url = base_url
client = MtHttpClient(adapter)
messages = [Message(recipient=f"+47{41000000 + i}", content=text) for i in range(int(n_messages))]
request = GatewayRequest(service_id=int(service_id), username=username, password=password, message=messages)
async def main():
    n, over = 0, False
    async def work():
        nonlocal n
        while not over:
            answer = await client.gw.rs.send_messages.post(request)
            assert answer.message_status[0].status_code == 1
            n += 1
    started = time.monotonic()
    tasks = [asyncio.create_task(work()) for _ in range(int(n_tasks))]
    await asyncio.sleep(float(seconds))
    counted, elapsed = n, time.monotonic() - started
    over = True
    await asyncio.gather(*tasks)
    print(counted / elapsed)
asyncio.run(main())
