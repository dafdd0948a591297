package seal_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/kms"

	"heliograph/internal/seal"
)

// kmsServer answers Encrypt and Decrypt as AWS KMS does, with a key that is no secret.
func kmsServer(t *testing.T) *kms.Client {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var in struct {
			KeyId, EncryptionAlgorithm string
			Plaintext, CiphertextBlob  []byte
			EncryptionContext          map[string]string
		}
		body, _ := io.ReadAll(r.Body)
		if err := json.Unmarshal(body, &in); err != nil {
			t.Error(err)
		}
		about, _ := json.Marshal([]any{in.KeyId, in.EncryptionContext})
		out := map[string]any{"KeyId": in.KeyId}
		switch r.Header.Get("X-Amz-Target") {
		case "TrentService.Encrypt":
			out["CiphertextBlob"] = append(append(about, '|'), in.Plaintext...)
		case "TrentService.Decrypt":
			plain, found := bytes.CutPrefix(in.CiphertextBlob, append(about, '|'))
			if !found {
				w.WriteHeader(http.StatusBadRequest)
				io.WriteString(w, `{"__type":"InvalidCiphertextException"}`)
				return
			}
			out["Plaintext"] = plain
		default:
			t.Errorf("operation %s", r.Header.Get("X-Amz-Target"))
		}
		json.NewEncoder(w).Encode(out)
	}))
	t.Cleanup(server.Close)
	return kms.New(kms.Options{Region: "us-east-1", BaseEndpoint: &server.URL, Retryer: aws.NopRetryer{},
		Credentials: credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "secret", "")})
}

// Data keys are wrapped by the service, each bound to its number; keys of another of its
// keys are opened too.
func TestKMS(t *testing.T) {
	client := kmsServer(t)
	one, other := seal.NewKMS(client, "one", "us-east-1"), seal.NewKMS(client, "alias/other", "us-east-1")
	if one.Name() != "kms:one@us-east-1" || !other.Opens("kms:one") || other.Opens("local:one") {
		t.Errorf("%s, %v, %v", one.Name(), other.Opens("kms:one"), other.Opens("local:one"))
	}
	key := bytes.Repeat([]byte{7}, seal.KeyBytes)
	wrapped, err := one.Wrap(t.Context(), 3, key)
	if err != nil || !strings.Contains(string(wrapped), `"number":"3"`) {
		t.Fatalf("%q, %v", wrapped, err)
	}
	for _, m := range []seal.Master{one, other} {
		if got, err := m.Unwrap(t.Context(), 3, "kms:one", wrapped); err != nil || !bytes.Equal(got, key) {
			t.Errorf("%s: %x, %v", m.Name(), got, err)
		}
	}
	if _, err := one.Unwrap(t.Context(), 4, "kms:one", wrapped); err == nil {
		t.Error("opened as another key")
	}

	r := newRig(t)
	sealed := r.keyring(t, one).Seal(nil, []byte("text"), []byte("place"))
	k := seal.New(seal.Options{Masters: []seal.Master{master(t, 1), other}, Reload: r.reload})
	open(t, k, sealed, "text")
	if done, err := k.Rotate(t.Context(), r.directory, true); err != nil || done.Rewrapped != 1 {
		t.Errorf("%+v, %v", done, err)
	}
}

// The key of one service is followed by that of another, of the same id or not: the first
// that is asked for what the other wrapped refuses.
func TestKMSMoves(t *testing.T) {
	for _, key := range []string{"old", "new"} {
		r := newRig(t)
		before := seal.NewKMS(kmsServer(t), key, "us-east-1")
		sealed := r.keyring(t, before).Seal(nil, []byte("text"), []byte("place"))
		after := seal.NewKMS(deniedKMS(t, kmsServer(t)), "new", "eu-west-1")
		keys, err := r.reload(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		k := seal.New(seal.Options{Masters: []seal.Master{after, seal.NewKMS(kmsServer(t), key, "elsewhere"), before}})
		if err := k.Load(t.Context(), keys); err != nil {
			t.Fatal(err)
		}
		open(t, k, sealed, "text")
		if done, err := k.Rotate(t.Context(), r.directory, true); err != nil || done.Rewrapped != 1 || done.Master != "kms:new@eu-west-1" {
			t.Errorf("%+v, %v", done, err)
		}
		alone := seal.New(seal.Options{Masters: []seal.Master{after}})
		if err := alone.Load(t.Context(), keys); err == nil || !strings.Contains(err.Error(), "AccessDenied") {
			t.Errorf("by the new one alone: %v", err)
		}
	}
}

// deniedKMS may encrypt only.
func deniedKMS(t *testing.T, client *kms.Client) seal.KMSClient {
	t.Helper()
	return denied{client}
}

type denied struct{ *kms.Client }

func (denied) Decrypt(context.Context, *kms.DecryptInput, ...func(*kms.Options)) (*kms.DecryptOutput, error) {
	return nil, errors.New("AccessDenied")
}

// The copy of the data keys in a data directory opens what they sealed.
func TestFile(t *testing.T) {
	directory := t.TempDir()
	if keys, err := seal.ReadFile(directory); err != nil || keys != nil {
		t.Errorf("before there is any: %v, %v", keys, err)
	}
	r := newRig(t)
	k := seal.New(seal.Options{Masters: []seal.Master{master(t, 1)}, Reload: r.reload, Keep: seal.KeepFile(directory)})
	if err := k.Take(t.Context(), r.directory); err != nil {
		t.Fatal(err)
	}
	if _, err := k.Rotate(t.Context(), r.directory, false); err != nil {
		t.Fatal(err)
	}
	keys, err := seal.ReadFile(directory)
	if err != nil || len(keys) != 2 || !keys[0].Value.Retired {
		t.Fatal(len(keys), err)
	}
	beside := seal.New(seal.Options{Masters: []seal.Master{master(t, 1)}})
	if err := beside.Load(t.Context(), keys); err != nil {
		t.Fatal(err)
	}
	open(t, beside, k.Seal(nil, []byte("text"), []byte("place")), "text")
}
