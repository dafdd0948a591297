package seal

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kms"
)

// kmsPrefix begins the names of master keys that a service holds.
const kmsPrefix = "kms:"

// kmsLimit bounds a request to the service.
const kmsLimit = 10 * time.Second

// KMSClient is what is asked of a service with the API of AWS KMS.
type KMSClient interface {
	Encrypt(ctx context.Context, in *kms.EncryptInput, options ...func(*kms.Options)) (*kms.EncryptOutput, error)
	Decrypt(ctx context.Context, in *kms.DecryptInput, options ...func(*kms.Options)) (*kms.DecryptOutput, error)
}

// held is a master key that a service holds, which never leaves it.
type held struct {
	client KMSClient
	key    string // id, ARN or alias
	at     string // the service
}

// NewKMS makes a Master of a key that a service holds. Data keys are encrypted and
// decrypted with the encryption context {"heliograph": "data key", "number": "1"}. at says
// which service it is, by region or host, without "@": others may have keys of the same id.
func NewKMS(client KMSClient, key, at string) Master { return &held{client: client, key: key, at: at} }

func (h *held) Name() string { return kmsPrefix + h.key + "@" + h.at }

// Opens: the service has its other keys too, and may be reached by another name.
func (h *held) Opens(name string) bool { return strings.HasPrefix(name, kmsPrefix) }

func (h *held) Wrap(ctx context.Context, number uint64, key []byte) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, kmsLimit)
	defer cancel()
	out, err := h.client.Encrypt(ctx, &kms.EncryptInput{KeyId: &h.key, Plaintext: key, EncryptionContext: keyContext(number)})
	if err != nil {
		return nil, fmt.Errorf("encrypt a data key: %w", err)
	}
	return out.CiphertextBlob, nil
}

func (h *held) Unwrap(ctx context.Context, number uint64, by string, wrapped []byte) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, kmsLimit)
	defer cancel()
	key, _, _ := strings.Cut(strings.TrimPrefix(by, kmsPrefix), "@")
	out, err := h.client.Decrypt(ctx, &kms.DecryptInput{KeyId: &key, CiphertextBlob: wrapped, EncryptionContext: keyContext(number)})
	if err != nil {
		return nil, fmt.Errorf("decrypt a data key: %w", err)
	}
	return out.Plaintext, nil
}

func keyContext(number uint64) map[string]string {
	return map[string]string{"heliograph": "data key", "number": strconv.FormatUint(number, 10)}
}
