"""What docs/wire.md says, for a client of Eclipse paho: to ask, to serve, and to believe nobody who only writes who he is."""

import hashlib
import json
import time
import uuid
from datetime import datetime, timezone
from decimal import Decimal

import paho.mqtt.client as mqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

TIMEOUT_SECONDS = 30
MAX_ANSWERS = 1000


def canonical(value):
    """The canonical JSON of RFC 8785."""
    if isinstance(value, dict):
        # Members are sorted by UTF-16 code units, which is not Python's order.
        names = sorted(value, key=lambda name: name.encode("utf-16-be"))
        return "{" + ",".join(canonical(name) + ":" + canonical(value[name]) for name in names) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(canonical, value)) + "]"
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return canonical_number(float(value))
    return json.dumps(value, ensure_ascii=False)


def canonical_number(value):
    """Number::toString of ECMAScript: Python finds the same digits and writes them in another way."""
    if value == 0:
        return "0"
    sign, digits, exponent = Decimal(repr(value)).normalize().as_tuple()
    digits = "".join(map(str, digits))
    point = len(digits) + exponent
    if len(digits) <= point <= 21:
        text = digits + "0" * (point - len(digits))
    elif 0 < point <= 21:
        text = digits[:point] + "." + digits[point:]
    elif -6 < point <= 0:
        text = "0." + "0" * -point + digits
    else:
        text = digits[0] + ("." + digits[1:] if len(digits) > 1 else "") + f"e{point - 1:+d}"
    return "-" + text if sign else text


def digest(payload):
    return "sha256:" + hashlib.sha256(canonical(payload).encode()).hexdigest()


def now():
    return datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Refused(Exception):
    """What is not believed, and why."""


class Wire:
    """`is_verified`: the connection is TLS, and the server's certificate was verified."""

    def __init__(self, client, client_id, is_five, is_verified):
        self.client = client
        self.client_id = client_id
        self.is_five = is_five
        self.is_verified = is_verified
        self.stamped = []
        self.waiting = {}
        self.served = {}
        self.answers = {}

    def on_connack(self, properties):
        if self.is_five and self.is_verified:
            pairs = getattr(properties, "UserProperty", [])
            self.stamped = [value for name, value in pairs if name == "jamey-sender"]

    def is_stamped(self, topic):
        return any(mqtt.topic_matches_sub(filter, topic) for filter in self.stamped)

    def topic_for(self, topic):
        return topic if self.is_stamped(topic) else f"{topic}/{self.client_id}"

    # Asking

    def ask(self, service, topic, action, data, is_bare):
        """The inbox is subscribed to before. `is_bare`: the server is known to stamp, though MQTT 3.1.1 cannot say so."""
        correlation_id = str(uuid.uuid4())
        reply_to = f"jamey/api/responses/{self.client_id}/{service}/answers"
        payload = {"action": action, "data": data}
        form = topic if is_bare else self.topic_for(topic)
        self.waiting[correlation_id] = (form, reply_to, payload)
        self.publish(form, payload, correlation_id, reply_to, TIMEOUT_SECONDS)

    def publish(self, topic, payload, correlation_id, reply_to=None, seconds=None, correlation=None):
        metadata = {"client_id": self.client_id, "correlation_id": correlation_id}
        if reply_to is not None:
            metadata["reply_to"] = reply_to
        envelope = {
            "message_id": str(uuid.uuid4()),
            "timestamp": now(),
            "topic": topic,
            "payload": payload,
            "metadata": metadata,
        }
        properties = None
        if self.is_five:
            properties = Properties(PacketTypes.PUBLISH)
            properties.ContentType = "application/json"
            properties.PayloadFormatIndicator = 1
            properties.CorrelationData = correlation or correlation_id.encode()
            properties.MessageExpiryInterval = seconds
            if reply_to is not None:
                properties.ResponseTopic = reply_to
        self.client.publish(topic, json.dumps(envelope), 1, properties=properties)

    def answer_in(self, message):
        """What the message answers: its payload. Raises `Refused` where nothing that waits."""
        envelope = json.loads(message.payload)
        metadata = envelope["metadata"]
        topic, reply_to, asked = self.waiting.get(metadata["correlation_id"], (None, None, None))
        if message.topic != reply_to:
            raise Refused("an answer that nobody waits for")
        if self.is_stamped(message.topic) and self.stamp_of(message) != metadata["client_id"]:
            raise Refused("an answer of somebody else")
        payload = envelope["payload"]
        if "request_digest" in payload.get("data", {}):
            found = [payload["data"][name] for name in ("request_digest", "requested_by", "correlation_id")]
            if found != [digest(asked), self.client_id, metadata["correlation_id"]]:
                raise Refused("an answer to another request")
        del self.waiting[metadata["correlation_id"]]
        return {"topic": topic, "correlationId": metadata["correlation_id"], "digest": digest(asked), **payload}

    # Who sent it

    def stamp_of(self, message):
        stamps = [value for name, value in getattr(message.properties, "UserProperty", []) if name == "jamey-sender"]
        if len(stamps) != 1:
            raise Refused("it is not stamped")
        return stamps[0]

    def sender_of(self, topic, message):
        """Who published a message below `topic`."""
        named = message.topic[len(topic) + 1 :]
        if "/" in named:
            raise Refused("it is on another topic")
        if not self.is_stamped(message.topic):
            if named == "":
                raise Refused("its sender is not known")
            return named
        sender = self.stamp_of(message)
        if named not in ("", sender):
            raise Refused(f"it is on the topic of {named}, and from {sender}")
        return sender

    # Serving

    def serve(self, service, topic, action, handler, is_shared):
        """Returns the filter that has to be subscribed to. `handler` makes the data of an answer of a request's."""
        self.served[topic] = (service, action, handler)
        return f"$share/{service}/{topic}/#" if is_shared else f"{topic}/#"

    def serve_message(self, message):
        """True where it was one for what is served. Raises `Refused`."""
        topic = next((one for one in self.served if mqtt.topic_matches_sub(f"{one}/#", message.topic)), None)
        if topic is None:
            return False
        service, action, handler = self.served[topic]
        sender = self.sender_of(topic, message)
        envelope = json.loads(message.payload)
        metadata, payload = envelope["metadata"], envelope["payload"]
        if metadata["client_id"] != sender:
            raise Refused(f"it says {metadata['client_id']}, and is from {sender}")
        properties = message.properties if self.is_five else None
        reply_to = getattr(properties, "ResponseTopic", metadata.get("reply_to"))
        if reply_to is not None and not reply_to.startswith(f"jamey/api/responses/{sender}/{service}/"):
            raise Refused(f"its answer would go to {reply_to}")
        correlation = getattr(properties, "CorrelationData", metadata["correlation_id"].encode())
        seconds = getattr(properties, "MessageExpiryInterval", None)
        if seconds is None:
            sent = datetime.fromisoformat(envelope["timestamp"].replace("Z", "+00:00")).timestamp()
            seconds = int(sent + TIMEOUT_SECONDS - time.time())
        if seconds <= 0:
            return True
        key = (payload["action"], reply_to, correlation)
        if key not in self.answers:
            self.answers[key] = self.answer_to(action, payload, handler, sender)
            if len(self.answers) > MAX_ANSWERS:
                del self.answers[next(iter(self.answers))]
        answer = self.answers[key]
        if answer.get("error", {}).get("retryable"):
            del self.answers[key]
        if reply_to is not None:
            # paho acknowledges the request after this, so the server has the answer first.
            answer = {"action": payload["action"], **answer}
            self.publish(reply_to, answer, metadata["correlation_id"], None, seconds, correlation)
        return True

    def answer_to(self, action, payload, handler, sender):
        if payload["action"] == "ping":
            return {"data": {"client_id": self.client_id}}
        if payload["action"] != action:
            error = {"kind": "unknown-action", "message": f"{payload['action']} is not known", "retryable": True}
            return {"error": error}
        return {"data": handler(payload["data"], sender)}
