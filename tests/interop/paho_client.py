"""A paho client that does what it is told: one JSON command a line in, one JSON event a line out."""

import json
import os
import ssl
import sys
import threading

import paho.mqtt.client as mqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from wire import Wire

options = json.loads(sys.argv[1])
is_five = options["version"] == mqtt.MQTTv5
printing = threading.Lock()


def tell(event, **fields):
    with printing:
        print(json.dumps({"event": event, **fields}), flush=True)


def properties_of(packet_type, values):
    if not is_five or values is None:
        return None
    properties = Properties(packet_type)
    for name, value in values.items():
        if name == "UserProperty":
            value = [tuple(pair) for pair in value]
        setattr(properties, name, value)
    return properties


def code_of(reason):
    return reason.value if isinstance(reason, mqtt.ReasonCodes) else reason


def on_connect(_client, _userdata, flags, reason, properties=None):
    wire.on_connack(properties)
    tell("connected", code=code_of(reason), sessionPresent=bool(flags["session present"]))


def on_message(_client, _userdata, message):
    try:
        if wire.serve_message(message):
            return
        if wire.waiting and message.topic.startswith("jamey/api/responses/"):
            return tell("answered", **wire.answer_in(message))
    except Exception as fault:
        # Whatever is wrong with one message, the next is served.
        return tell("refused", topic=message.topic, why=str(fault))
    properties = message.properties.json() if is_five else {}
    tell(
        "message",
        topic=message.topic,
        payload=message.payload.decode(),
        qos=message.qos,
        retain=bool(message.retain),
        properties=properties,
    )


def on_subscribe(_client, _userdata, _mid, granted, _properties=None):
    tell("subscribed", codes=[code_of(one) for one in granted])


client_options = {} if is_five else {"clean_session": options["isClean"]}
client = mqtt.Client(
    options["clientId"], protocol=options["version"], transport=options["transport"], **client_options
)
wire = Wire(client, options["clientId"], is_five, is_verified="ca" in options)
client.on_connect = on_connect
client.on_message = on_message
client.on_subscribe = on_subscribe
client.on_publish = lambda _client, _userdata, mid: tell("published", mid=mid)
client.on_unsubscribe = lambda *_: tell("unsubscribed")
client.on_disconnect = lambda _client, _userdata, reason, _properties=None: tell(
    "disconnected", code=code_of(reason)
)
if options["transport"] == "websockets":
    client.ws_set_options(path="/mqtt")
if "ca" in options:
    client.tls_set(options["ca"], options.get("cert"), options.get("key"), tls_version=ssl.PROTOCOL_TLS_CLIENT)
if "password" in options:
    client.username_pw_set(options["clientId"], options["password"])
if "will" in options:
    will = options["will"]
    client.will_set(will["topic"], will["payload"], will["qos"], will["retain"])
connect_options = {}
if is_five:
    connect_options = {
        "clean_start": options["isClean"],
        "properties": properties_of(PacketTypes.CONNECT, {"SessionExpiryInterval": options["expirySeconds"]}),
    }
client.connect("127.0.0.1", options["port"], **connect_options)
client.loop_start()

for line in sys.stdin:
    command = json.loads(line)
    if command["do"] == "subscribe":
        client.subscribe(command["filter"], command["qos"])
    elif command["do"] == "unsubscribe":
        client.unsubscribe(command["filter"])
    elif command["do"] == "publish":
        client.publish(
            command["topic"],
            command["payload"],
            command["qos"],
            command["retain"],
            properties=properties_of(PacketTypes.PUBLISH, command.get("properties")),
        )
    elif command["do"] == "ask":
        wire.ask(*[command[name] for name in ("service", "topic", "action", "data", "isBare")])
    elif command["do"] == "serve":
        names = [command[name] for name in ("service", "topic", "action")]
        answer = lambda data, sender: {"heard": data, "from": sender}
        client.subscribe(wire.serve(*names, answer, command["isShared"]), 1)
    elif command["do"] == "disconnect":
        client.disconnect()
    elif command["do"] == "die":
        os._exit(1)
