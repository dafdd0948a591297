"""Writes patterns.json: which strings Python's re.fullmatch takes for each pattern of the API model's inputs.

usage: patterns.py MODEL
"""
import json
import pathlib
import random
import re
import sys

shapes = json.load(open(sys.argv[1]))
ops, shapes = shapes["operations"], shapes["shapes"]
reached = set()


def reach(name):
    if name not in reached:
        reached.add(name)
        s = shapes[name]
        refs = list(s.get("members", {}).values()) + [s[k] for k in ("member", "key", "value") if k in s]
        for r in refs:
            reach(r["shape"])


for op in ops.values():
    reach(op["input"]["shape"])
patterns = sorted({shapes[n]["pattern"] for n in reached if "pattern" in shapes[n]})
values = [
    "", "a", "A1_b-c", "arn:aws:sns:us-east-1:111122223333:topic", "arn:x", "arn:", "ARN:x", "arn:a b", "arn:\u00a0",
    "+14255550123", "14255550123", "+0142", "+", "+1", "+12", "1", "12", "+1234567890123456789", "+12345678901234567890",
    "1.5", "0.00001", ".5", "12.123456", "123.1", "1.", "..1", "a b", " a", "a ", " ", "\t", "\n", "a\n", "\na", "a\nb",
    "\r", "a\r", "\u00e9", "\u2603", "\u00df", "\u00a0", "a\u00a0", "\u00a0a", "\u3000", "\u2003x", "x\u2028y", "\u2028",
    "\u0085", "\u0085a", "\x1c", "a\x1f", "\x1cb", "\x0b", "\x0b\x0c", "\u200b", "\ufeff", "\u180e", "\U0001f600",
    "hi \U0001f600", " \U0001f600", "s3://bucket/key", "s3://bu/key", "s3://bucket/", "s3://bucket.name-1/a/b\nc",
    "s3://bucket.name-1/\u00e9 b", "s3://bucket//x", "s3://Bucket/k", "s3://" + "b" * 63 + "/k", "s3://" + "b" * 64 + "/k",
    "en", "en-US", "en-us", "eng", "e", "en-USA", "UNSET_DEFAULT_TEMPLATE", "UNSET_DEFAULT_POOL_FOR_NOTIFY",
    "UNSET DEFAULT", "US", "us", "U1", "USA", "HELP ME", "HELP\u00a0ME", "a.b_c", "a/b:c", "+(425) 555-0123", "+[1]2",
    "+\u00a01.2", "+1 2\u30003", "+(1", "+((12", "+ 1 2", "\u0663", "1\u0663", "\u00bc", "a~!", "~!", "!~\x7f", "\x7f",
    "\x00", "\x00a", "-", "_", ":", "/", "\\", "]", "[",
]
random.seed(1)
letters = "aAzZ09_-:/.+ \t\n~!({[])},\u00a0\u2028\x1c\u00e9\U0001f600"
values += ["".join(random.choices(letters, k=random.randint(1, 4))) for _ in range(100)]
values = sorted(set(values))
table = {p: "".join("01"[bool(re.fullmatch(p, v))] for v in values) for p in patterns}
out = pathlib.Path(__file__).with_name("patterns.json")
out.write_text(json.dumps({"values": values, "patterns": table}, indent=0) + "\n")
