package app

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	smsvoice "github.com/aws/aws-sdk-go-v2/service/pinpointsmsvoicev2"

	"heliograph/internal/credentials"
	"heliograph/internal/datadir"
)

// refusedStart starts a service that is not to start, and gives its error.
func refusedStart(t *testing.T, directory, lines string) string {
	t.Helper()
	err := Run(context.Background(), configured(t, directory, lines), slog.New(slog.DiscardHandler), func(string) {
		t.Error("it started")
	})
	if err == nil {
		t.Fatal("no error")
	}
	return err.Error()
}

// Without its master key the service does not start, and writes nothing. With it back
// all is there.
func TestLostMasterKey(t *testing.T) {
	directory := t.TempDir()
	r := start(t, directory, "")
	out, err := r.SendTextMessage(t.Context(), &smsvoice.SendTextMessageInput{DestinationPhoneNumber: aws.String(success),
		OriginationIdentity: aws.String(r.simulator()), MessageBody: aws.String("kept in a sealed row")})
	if err != nil {
		t.Fatal(err)
	}
	id := *out.MessageId
	r.stop()
	path := filepath.Join(directory, credentials.KeysFile)
	keys, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	before := readFile(t, datadir.Database(directory))
	if bytes.Contains(before, []byte("kept in a sealed row")) {
		t.Error("the text is in the database in clear")
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if got := refusedStart(t, directory, ""); !strings.Contains(got, "the data cannot be decrypted: data key 1") || !strings.Contains(got, path) {
			t.Errorf("without keys: %s", got)
		}
		if _, err := LocalKeys(t.Context(), configured(t, directory, "")); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("a command without keys: %v", err)
		}
		if _, err := os.Stat(path); err == nil {
			t.Fatal("other keys were made")
		}
	}
	if !bytes.Equal(readFile(t, datadir.Database(directory)), before) {
		t.Error("the database was changed")
	}
	if err := os.WriteFile(path, keys, 0o600); err != nil {
		t.Fatal(err)
	}

	// A master key of its own opens what the one before it wrapped.
	master := filepath.Join(t.TempDir(), "master")
	if err := os.WriteFile(master, []byte(strings.Repeat("0f", 32)), 0o600); err != nil {
		t.Fatal(err)
	}
	r = start(t, directory, "encryption: {key_file: "+master+"}\n")
	r.call("HeliographAdmin.RotateDataKeys", `{"master_only":true}`)
	if story := r.call("HeliographAdmin.ShowMessage", `{"message_id":"`+id+`"}`); !strings.Contains(story, "kept in a sealed row") {
		t.Errorf("the message is %s", story)
	}
	r.stop()
	if got := refusedStart(t, directory, ""); !strings.Contains(got, "another master key") {
		t.Errorf("without the new one: %s", got)
	}
	r = start(t, directory, "encryption: {key: "+strings.Repeat("0f", 32)+"}\n")
	r.call("HeliographAdmin.RotateDataKeys", `{}`)
	r.stop()
}

// call carries out an operator's operation and gives its answer.
func (r *running) call(target, body string) string {
	r.t.Helper()
	request, err := http.NewRequestWithContext(r.t.Context(), http.MethodPost, r.url, strings.NewReader(body))
	if err != nil {
		r.t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/x-amz-json-1.0")
	request.Header.Set("X-Amz-Target", target)
	key, err := r.Options().Credentials.Retrieve(r.t.Context())
	if err != nil {
		r.t.Fatal(err)
	}
	sum := sha256.Sum256([]byte(body))
	if err := v4.NewSigner().SignHTTP(r.t.Context(), key, request, hex.EncodeToString(sum[:]), "sms-voice", "us-east-1", time.Now()); err != nil {
		r.t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		r.t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK {
		r.t.Fatalf("%s: %s %s, %v", target, answer.Status, text, err)
	}
	http.DefaultClient.CloseIdleConnections()
	return string(text)
}

func readFile(t *testing.T, path string) []byte {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return text
}
