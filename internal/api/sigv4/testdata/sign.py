"""Writes the requests beside this file: signed by botocore, at a fixed time, with keys that open nothing."""
import datetime
import pathlib

import botocore.auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

NOW = datetime.datetime(2026, 3, 1, 12, 0, 0)
botocore.auth.get_current_datetime = lambda *a, **k: NOW
HERE = pathlib.Path(__file__).parent
JSON = {"Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": "PinpointSMSVoiceV2.SendTextMessage"}
BODY = '{"DestinationPhoneNumber": "+14254147755", "MessageBody": "h\u00e9llo \U0001f600"}'.encode()


def write(name, path="/", headers=JSON, body=BODY, token=None, region="us-east-1", method="POST"):
    key = Credentials("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", token)
    r = AWSRequest(method, "http://127.0.0.1:7670" + path, data=body, headers=dict(headers))
    botocore.auth.SigV4Auth(key, "sms-voice", region).add_auth(r)
    lines = ["%s %s HTTP/1.1" % (method, path), "Host: 127.0.0.1:7670", "Content-Length: %d" % len(body)]
    lines += ["%s: %s" % h for h in r.headers.items()]
    (HERE / (name + ".http")).write_bytes("\r\n".join(lines + ["", ""]).encode() + body)


write("send")
write("session", token="AQoDYXdzEJrEXAMPLE//////////wEa8AP==")
write("empty-body", body=b"{}")
write("spaces", headers=dict(JSON, **{"X-Amz-Meta-Note": "  two   spaces  and, a comma "}))
write("date", headers=dict(JSON, Date="Sun, 01 Mar 2026 11:59:00 GMT"))
write("path-query", path="/a%20b/%C3%A9/~x?b=2&a=1&a=0&c&d=%2F%20%2B", method="GET", body=b"")
