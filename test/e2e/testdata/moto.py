"""Makes the sinks of event destinations in a moto_server, and reads what arrived.

  moto.py make   creates a topic with a queue, a delivery stream with a bucket and a
                 log group, and prints their ARNs as JSON
  moto.py read   prints the events that each has got, as JSON: {"sns": [...], ...}

The endpoint comes from AWS_ENDPOINT_URL."""
import json
import sys

import boto3

ROLE = "arn:aws:iam::111122223333:role/HeliographEvents"


def client(service):
    return boto3.client(service, region_name="us-east-1", aws_access_key_id="test", aws_secret_access_key="test")


def make():
    sns, sqs = client("sns"), client("sqs")
    topic = sns.create_topic(Name="Messages")["TopicArn"]
    queue = sqs.create_queue(QueueName="messages")["QueueUrl"]
    queue_arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue_arn)
    client("s3").create_bucket(Bucket="messages")
    stream = client("firehose").create_delivery_stream(
        DeliveryStreamName="Messages",
        ExtendedS3DestinationConfiguration={"RoleARN": ROLE, "BucketARN": "arn:aws:s3:::messages"},
    )["DeliveryStreamARN"]
    logs = client("logs")
    logs.create_log_group(logGroupName="Messages")
    group = logs.describe_log_groups(logGroupNamePrefix="Messages")["logGroups"][0]["arn"]
    return {"sns": topic, "firehose": stream, "logs": group.removesuffix(":*")}


def objects(text):
    """The JSON objects that stand one after the other in a text."""
    decoder, found, at = json.JSONDecoder(), [], 0
    while at < len(text):
        event, at = decoder.raw_decode(text, at)
        found.append(event)
        while at < len(text) and text[at].isspace():
            at += 1
    return found


def read():
    sqs, s3 = client("sqs"), client("s3")
    queue = sqs.get_queue_url(QueueName="messages")["QueueUrl"]
    got = {"sns": [], "firehose": [], "logs": []}
    while True:
        messages = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10, VisibilityTimeout=0).get("Messages", [])
        for m in messages:
            got["sns"].append(json.loads(json.loads(m["Body"])["Message"]))
            sqs.delete_message(QueueUrl=queue, ReceiptHandle=m["ReceiptHandle"])
        if not messages:
            break
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket="messages"):
        for item in page.get("Contents", []):
            got["firehose"] += objects(s3.get_object(Bucket="messages", Key=item["Key"])["Body"].read().decode())
    for page in client("logs").get_paginator("filter_log_events").paginate(logGroupName="Messages"):
        got["logs"] += [json.loads(e["message"]) for e in page["events"]]
    return got


print(json.dumps({"make": make, "read": read}[sys.argv[1]]()))
