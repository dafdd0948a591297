package config

import (
	"time"

	"heliograph/internal/seal"
)

// Encryption is where the master key is that wraps the keys that data is encrypted
// with. At most one of KeyFile, Key and KMS is set; without any the master key is made
// of the file keys in DataDir.
type Encryption struct {
	KeyFile string    `yaml:"key_file"` // 32 bytes in hexadecimal or base 64, mode 0600
	Key     SecretKey `yaml:"key"`      // likewise, and better given by its environment variable
	KMS     KMS       `yaml:"kms"`
	// PreviousKeyFile and PreviousKMS only open what was wrapped by them.
	PreviousKeyFile string `yaml:"previous_key_file"`
	PreviousKMS     KMS    `yaml:"previous_kms"`
}

// SecretKey is a key that is not printed.
type SecretKey string

// String hides it.
func (k SecretKey) String() string { return "(secret)" }

// GoString hides it.
func (k SecretKey) GoString() string { return "(secret)" }

// KMS is a key of a service with the API of AWS KMS. Credentials come from the usual
// sources of the AWS SDK.
type KMS struct {
	EndpointURL string `yaml:"endpoint_url"` // empty: the real service
	KeyID       string `yaml:"key_id"`       // id, ARN or alias; empty for none
	Region      string `yaml:"region"`       // empty: that of the service
}

func (k *checker) encryption(e Encryption) {
	given := 0
	for _, is := range []bool{e.KeyFile != "", e.Key != "", e.KMS.KeyID != ""} {
		if is {
			given++
		}
	}
	if given > 1 {
		k.fail("encryption", "only one of key_file, key and kms can be the master key; previous_key_file and previous_kms name an earlier one")
	}
	if e.Key != "" {
		if _, err := seal.ParseKey(string(e.Key)); err != nil {
			k.fail("encryption.key", "%w", err)
		}
	}
	k.kms("encryption.kms", e.KMS)
	k.kms("encryption.previous_kms", e.PreviousKMS)
}

func (k *checker) kms(path string, s KMS) {
	k.endpoint(path+".endpoint_url", s.EndpointURL)
	if s.KeyID == "" && (s.EndpointURL != "" || s.Region != "") {
		k.fail(path+".key_id", "a key is needed")
	}
}

// redaction checks how long texts and numbers are kept.
func (k *checker) redaction(r Retention) {
	for path, value := range map[string]time.Duration{"retention.bodies": r.Bodies, "retention.numbers": r.Numbers} {
		if value != 0 {
			k.duration(path, value, time.Minute, mostKept)
		}
	}
}
