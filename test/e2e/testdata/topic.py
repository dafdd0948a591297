"""Subscribes a web hook of its own to a topic, by boto3, and prints what it got.

Usage: topic.py TOPIC. Signatures are verified with the certificate that a message
names, by the library cryptography.
"""
import base64, http.server, json, sys, threading, time, urllib.request

import boto3
from botocore.exceptions import ClientError
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding

SIGNED = {
    "Notification": ["Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"],
    "SubscriptionConfirmation": ["Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"],
}
got, asked = [], []


def verify(message):
    text = "".join(f"{name}\n{message[name]}\n" for name in SIGNED[message["Type"]] if name in message)
    certificate = x509.load_pem_x509_certificate(urllib.request.urlopen(message["SigningCertURL"]).read())
    kind = {"1": hashes.SHA1, "2": hashes.SHA256}[message["SignatureVersion"]]
    certificate.public_key().verify(base64.b64decode(message["Signature"]), text.encode(), padding.PKCS1v15(), kind())


class Hook(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        message = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        assert self.headers["x-amz-sns-message-type"] == message["Type"], self.headers
        verify(message)
        (asked if message["Type"] == "SubscriptionConfirmation" else got).append(message)
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_):
        pass


def wait(what, happened):
    for _ in range(600):
        if happened():
            return
        time.sleep(0.1)
    raise SystemExit("waited in vain for " + what)


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hook)
threading.Thread(target=server.serve_forever, daemon=True).start()
sns = boto3.client("sns")
topic = sns.create_topic(Name=sys.argv[1], Attributes={"DisplayName": "Events"}, Tags=[{"Key": "a", "Value": "b"}])["TopicArn"]
assert topic in [t["TopicArn"] for page in sns.get_paginator("list_topics").paginate() for t in page["Topics"]]
subscription = sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=f"http://127.0.0.1:{server.server_port}/", ReturnSubscriptionArn=True,
                             Attributes={"FilterPolicy": json.dumps({"kind": [{"prefix": "want"}]})})["SubscriptionArn"]
wait("the request to confirm", lambda: asked)
assert sns.get_subscription_attributes(SubscriptionArn=subscription)["Attributes"]["PendingConfirmation"] == "true"
assert sns.confirm_subscription(TopicArn=topic, Token=asked[0]["Token"])["SubscriptionArn"] == subscription
listed = sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
assert [s["SubscriptionArn"] for s in listed] == [subscription], listed


def kind(of):
    return {"kind": {"DataType": "String", "StringValue": of}}


first = sns.publish(TopicArn=topic, Message="é & <\"\n", Subject="Subject", MessageAttributes=kind("wanted"))["MessageId"]
sns.publish(TopicArn=topic, Message="not wanted", MessageAttributes=kind("other"))
sns.set_topic_attributes(TopicArn=topic, AttributeName="SignatureVersion", AttributeValue="1")
batch = sns.publish_batch(TopicArn=topic, PublishBatchRequestEntries=[
    {"Id": "one", "Message": "one", "MessageAttributes": kind("wants")}, {"Id": "two", "Message": "two", "MessageAttributes": kind("want")}])
assert not batch.get("Failed") and len(batch["Successful"]) == 2, batch
wait("three notifications", lambda: len(got) >= 3)
assert {m["MessageId"] for m in got} == {first} | {m["MessageId"] for m in batch["Successful"]}
of_first = next(m for m in got if m["MessageId"] == first)
assert of_first["Message"] == "é & <\"\n" and of_first["Subject"] == "Subject", of_first
assert of_first["MessageAttributes"] == {"kind": {"Type": "String", "Value": "wanted"}}, of_first
assert next(m for m in got if m["Message"] == "one")["SignatureVersion"] == "1"
for wrong, code in [(lambda: sns.publish(TopicArn=topic + "x", Message="x"), "NotFoundException"),
                    (lambda: sns.create_topic(Name="a.fifo", Attributes={"FifoTopic": "true"}), "InvalidParameterException"),
                    (lambda: sns.publish(TopicArn=topic, Message=""), "InvalidParameterException")]:
    try:
        wrong()
        raise SystemExit("it was taken")
    except ClientError as e:
        assert type(e).__name__ == code, (type(e), e)
urllib.request.urlopen(of_first["UnsubscribeURL"]).read()
assert sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"] == []
sns.delete_topic(TopicArn=topic)
print(len(got))
