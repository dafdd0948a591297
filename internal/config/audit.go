package config

import (
	"regexp"
	"time"
)

// Audit is what the record of who did what keeps, and where it is delivered.
type Audit struct {
	// Keep is how long its files are kept, Lookup how long records are found by
	// LookupEvents.
	Keep   time.Duration `yaml:"keep"`
	Lookup time.Duration `yaml:"lookup"`
	// Sync is when the record of a call that changes something is on disk: each, before
	// the call is answered, or within a second.
	Sync AuditSync `yaml:"sync"`
	// FileBytes is the size from which a file is full.
	FileBytes int64   `yaml:"file_bytes"`
	S3        AuditS3 `yaml:"s3"`
}

// AuditSync is second or each.
type AuditSync string

const (
	SyncSecond AuditSync = "second"
	SyncEach   AuditSync = "each"
)

// AuditS3 is the bucket that records are delivered to; without a Bucket they are not.
type AuditS3 struct {
	Bucket      string        `yaml:"bucket"`
	Prefix      string        `yaml:"prefix"`       // of objects' keys
	EndpointURL string        `yaml:"endpoint_url"` // aws, or a URL
	Region      string        `yaml:"region"`       // of the bucket; empty: the installation's
	Every       time.Duration `yaml:"every"`        // between two deliveries
}

func defaultAudit() Audit {
	const day = 24 * time.Hour
	return Audit{Keep: 400 * day, Lookup: 90 * day, Sync: SyncSecond, FileBytes: 64 << 20, S3: AuditS3{EndpointURL: "aws", Every: 5 * time.Minute}}
}

// bucketForm is the name of a bucket (Amazon S3 user guide, "Bucket naming rules").
var bucketForm = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`)

func (k *checker) audit(a Audit) {
	const day = 24 * time.Hour
	k.duration("audit.keep", a.Keep, day, mostKept)
	k.duration("audit.lookup", a.Lookup, time.Hour, a.Keep)
	oneOf(k, "audit.sync", a.Sync, SyncSecond, SyncEach)
	if a.FileBytes < 1<<16 {
		k.fail("audit.file_bytes", "%d: at least %d are needed", a.FileBytes, 1<<16)
	}
	if a.S3.Bucket == "" {
		return
	}
	if !bucketForm.MatchString(a.S3.Bucket) {
		k.fail("audit.s3.bucket", "%q is no name of a bucket", a.S3.Bucket)
	}
	if len(a.S3.Prefix) > 200 {
		k.fail("audit.s3.prefix", "it is longer than 200 characters")
	}
	if a.S3.EndpointURL == "" {
		k.fail("audit.s3.endpoint_url", "aws or a URL with http or https is needed")
	}
	k.endpoint("audit.s3.endpoint_url", a.S3.EndpointURL)
	k.duration("audit.s3.every", a.S3.Every, time.Second, day)
}
