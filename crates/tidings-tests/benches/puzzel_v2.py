"""The vendor's client 2.0.4 in threads, for puzzel_throughput.rs: prints calls per second."""
import sys, threading, time, warnings
warnings.simplefilter("ignore")
from puzzel_sms_gateway_client import Client, Message
base_url, n_threads, seconds, n_messages, service_id, username, password, text = sys.argv[1:]
client = Client(service_id=int(service_id), username=username, password=password, base_address=base_url + "/gw/rs")
messages = [Message(recipient=f"+47{41000000 + i}", content=text) for i in range(int(n_messages))]
counts = [0] * int(n_threads)
over = threading.Event()
def work(i):
    while not over.is_set():
        answer = client.send(messages).json()
        assert answer["messageStatus"][0]["statusCode"] == 1
        counts[i] += 1
threads = [threading.Thread(target=work, args=(i,)) for i in range(int(n_threads))]
started = time.monotonic()
for thread in threads: thread.start()
time.sleep(float(seconds))
n = sum(counts)
elapsed = time.monotonic() - started
over.set()
for thread in threads: thread.join()
print(n / elapsed)
