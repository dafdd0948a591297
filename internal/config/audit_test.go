package config

import (
	"strings"
	"testing"
	"time"
)

func TestAudit(t *testing.T) {
	if c := load(t, ""); c.Audit.Keep != 400*24*time.Hour || c.Audit.Lookup != 90*24*time.Hour || c.Audit.Sync != SyncSecond || c.Audit.S3.Bucket != "" {
		t.Errorf("%+v", c.Audit)
	}
	c := load(t, `audit: {keep: 240h, lookup: 24h, sync: each, file_bytes: 1000000, s3: {bucket: trail, prefix: p, endpoint_url: "http://127.0.0.1:9000", region: eu-west-1, every: 10s}}`)
	want := Audit{Keep: 240 * time.Hour, Lookup: 24 * time.Hour, Sync: SyncEach, FileBytes: 1_000_000,
		S3: AuditS3{Bucket: "trail", Prefix: "p", EndpointURL: "http://127.0.0.1:9000", Region: "eu-west-1", Every: 10 * time.Second}}
	if c.Audit != want {
		t.Errorf("%+v", c.Audit)
	}
	for text, key := range map[string]string{
		"{keep: 1h}": "audit.keep", "{keep: 48h, lookup: 72h}": "audit.lookup", "{sync: never}": "audit.sync", "{file_bytes: 10}": "audit.file_bytes",
		"{s3: {bucket: A}}": "audit.s3.bucket", "{s3: {bucket: abc, endpoint_url: x}}": "audit.s3.endpoint_url", "{s3: {bucket: abc, every: 1ms}}": "audit.s3.every",
		"{s3: {bucket: abc, prefix: " + strings.Repeat("x", 201) + "}}": "audit.s3.prefix",
	} {
		if _, err := parse("test.yaml", []byte("audit: "+text), none); err == nil || !strings.Contains(err.Error(), key) {
			t.Errorf("%s: %v", text, err)
		}
	}
}
