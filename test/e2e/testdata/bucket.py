"""A bucket of an S3-compatible service, as a reader of delivered files sees it.

  bucket.py make NAME   creates the bucket
  bucket.py read NAME   prints every record of its gzip-compressed objects, a line each

The endpoint comes from AWS_ENDPOINT_URL."""
import gzip
import sys

import boto3

s3 = boto3.client("s3", region_name="us-east-1", aws_access_key_id="test", aws_secret_access_key="test")
command, name = sys.argv[1:]
if command == "make":
    s3.create_bucket(Bucket=name)
elif command == "read":
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=name):
        for item in page.get("Contents", []):
            body = s3.get_object(Bucket=name, Key=item["Key"])["Body"].read()
            sys.stdout.write(gzip.decompress(body).decode())
