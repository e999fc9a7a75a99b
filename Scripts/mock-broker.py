"""A Kafka broker for tests: the one that librdkafka plays inside a client. Prints its address, and lives until it is ended."""
import signal
import sys

from confluent_kafka import Producer

producer = Producer({"test.mock.num.brokers": 1, "bootstrap.servers": ""})
brokers = producer.list_topics(timeout=10).brokers
broker = next(iter(brokers.values()))
print(f"{broker.host}:{broker.port}", flush=True)
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
signal.pause()
