package credentials_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/config"

	"heliograph/internal/api/sigv4"
	"heliograph/internal/credentials"
)

func options(t *testing.T) credentials.Options {
	return credentials.Options{Directory: filepath.Join(t.TempDir(), "data"), Account: "111122223333", Partition: "aws",
		Region: "eu-west-1", Log: slog.New(slog.DiscardHandler)}
}

func TestRootKeyIsMadeOnceAndReadBack(t *testing.T) {
	o := options(t)
	made, err := credentials.Ensure(o)
	if err != nil {
		t.Fatal(err)
	}
	if !regexp.MustCompile(`^AKIA[A-Z2-7]{16}$`).MatchString(made.AccessKeyID) {
		t.Errorf("access key id %q", made.AccessKeyID)
	}
	if !regexp.MustCompile(`^[A-Za-z0-9+/]{40}$`).MatchString(made.SecretAccessKey) {
		t.Errorf("secret of %d characters", len(made.SecretAccessKey))
	}
	again, err := credentials.Ensure(o)
	if err != nil || again != made {
		t.Errorf("read back as %v, %v", again, err)
	}
	info, err := os.Stat(filepath.Join(o.Directory, credentials.File))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	other, err := credentials.Ensure(options(t))
	if err != nil || other.AccessKeyID == made.AccessKeyID || other.SecretAccessKey == made.SecretAccessKey {
		t.Errorf("two installations have the same key: %v", err)
	}
	if text := fmt.Sprintf("%v %s", made, made.LogValue()); strings.Contains(text, made.SecretAccessKey) {
		t.Error("the secret is in formatted text")
	}
}

// The SDK must need nothing but the file.
func TestSDKReadsTheFile(t *testing.T) {
	o := options(t)
	root, err := credentials.Ensure(o)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION"} {
		t.Setenv(name, "")
		os.Unsetenv(name)
	}
	t.Setenv("AWS_CONFIG_FILE", filepath.Join(t.TempDir(), "none"))
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", filepath.Join(o.Directory, credentials.File))
	c, err := config.LoadDefaultConfig(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	got, err := c.Credentials.Retrieve(context.Background())
	if err != nil || got.AccessKeyID != root.AccessKeyID || got.SecretAccessKey != root.SecretAccessKey || c.Region != "eu-west-1" {
		t.Errorf("the SDK reads %s in %q: %v", got.AccessKeyID, c.Region, err)
	}
}

func TestLookup(t *testing.T) {
	root, err := credentials.Ensure(options(t))
	if err != nil {
		t.Fatal(err)
	}
	c, err := root.Lookup(context.Background(), root.AccessKeyID, "")
	if err != nil || c.Account != "111122223333" || c.Principal != "arn:aws:iam::111122223333:root" || c.SecretAccessKey != root.SecretAccessKey {
		t.Errorf("%s %s: %v", c.Account, c.Principal, err)
	}
	for _, ask := range [][2]string{{"AKIAZZZZZZZZZZZZZZZZ", ""}, {root.AccessKeyID, "token"}, {"", ""}} {
		if _, err := root.Lookup(context.Background(), ask[0], ask[1]); !errors.Is(err, sigv4.ErrUnknownKey) {
			t.Errorf("%q: %v", ask, err)
		}
	}
}

func TestRegionFollowsTheConfiguration(t *testing.T) {
	const key = "aws_access_key_id=AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY\n"
	for name, c := range map[string]struct{ before, after string }{
		"replaced": {"# mine\n[default]\n" + key + "region = us-east-1\n\n[other]\nregion = us-west-2\n", "# mine\n[default]\n" + key + "region = eu-west-1\n\n[other]\nregion = us-west-2\n"},
		"added":    {"[default]\n" + key + "[other]\nregion = us-west-2\n", "[default]\n" + key + "region = eu-west-1\n[other]\nregion = us-west-2\n"},
		"kept":     {"[default]\nregion=eu-west-1\n" + key, "[default]\nregion=eu-west-1\n" + key},
	} {
		t.Run(name, func(t *testing.T) {
			o := options(t)
			path := write(t, o, credentials.File, c.before, 0o600)
			root, err := credentials.Ensure(o)
			if err != nil || root.AccessKeyID != "AKIAIOSFODNN7EXAMPLE" {
				t.Fatal(root, err)
			}
			if after, _ := os.ReadFile(path); string(after) != c.after {
				t.Errorf("the file is now\n%s", after)
			}
		})
	}
}

func TestUnusableFiles(t *testing.T) {
	for _, text := range []string{"", "[default]\n", "[other]\naws_access_key_id=AKIAIOSFODNN7EXAMPLE\naws_secret_access_key=wJalrXUtnFEMIK7MDENGbPxRfiCY\n",
		"[default]\naws_access_key_id=AKIAIOSFODNN7EXAMPLE\naws_secret_access_key=short\n"} {
		o := options(t)
		path := write(t, o, credentials.File, text, 0o600)
		if _, err := credentials.Ensure(o); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("%q: %v", text, err)
		}
		if now, _ := os.ReadFile(path); string(now) != text {
			t.Errorf("%q was changed to %q", text, now)
		}
	}
	for _, text := range []string{"", "message_id = xx\n", "message_id = 00\nnext_token = 00\n"} {
		o := options(t)
		write(t, o, credentials.KeysFile, text, 0o600)
		if _, err := credentials.EnsureKeys(o); err == nil {
			t.Errorf("keys %q were taken", text)
		}
	}
}

func TestFilesThatOthersCanReadAreRefused(t *testing.T) {
	o := options(t)
	made, err := credentials.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{credentials.File, credentials.KeysFile} {
		path := filepath.Join(o.Directory, name)
		for _, mode := range []os.FileMode{0o640, 0o620, 0o604, 0o666} {
			if err := os.Chmod(path, mode); err != nil {
				t.Fatal(err)
			}
			_, err := credentials.Open(o)
			if want := fmt.Sprintf("%s holds secrets and is open to others than its owner: its mode is %04o, 0600 is needed", path, mode); err == nil || !strings.HasSuffix(err.Error(), want) {
				t.Errorf("%s with mode %04o: %v", name, mode, err)
			}
		}
		if err := os.Chmod(path, 0o400); err != nil {
			t.Fatal(err)
		}
	}
	again, err := credentials.Open(o)
	if err != nil || again.Keys != made.Keys || !bytes.Equal(again.MessageIDKey, made.MessageIDKey) || !bytes.Equal(again.NextTokenKey, made.NextTokenKey) {
		t.Errorf("read back differently: %v", err)
	}
}

// A reader sees the whole old file or the whole new one.
func TestFilesAreReplacedWhole(t *testing.T) {
	o := options(t)
	root, err := credentials.Ensure(o)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() {
		var err error
		for i := 0; i < 30 && err == nil; i++ {
			o.Region = []string{"us-east-1", "ap-southeast-2"}[i%2]
			_, err = credentials.Ensure(o)
		}
		done <- err
	}()
	for reads := 0; ; reads++ {
		select {
		case err := <-done:
			if err != nil {
				t.Error(err)
			}
			if entries, err := os.ReadDir(o.Directory); err != nil || len(entries) != 1 {
				t.Errorf("left behind: %v %v", entries, err)
			}
			if info, err := os.Stat(filepath.Join(o.Directory, credentials.File)); err != nil || info.Mode().Perm() != 0o600 {
				t.Errorf("mode %v, %v", info.Mode(), err)
			}
			return
		default:
		}
		got, err := credentials.Read(o.Directory)
		if err != nil || got.SecretAccessKey != root.SecretAccessKey || got.Region == "" {
			t.Fatalf("read %d: %v %v", reads, got, err)
		}
	}
}

// Nothing is written where a whole file cannot be made.
func TestWithoutRandomness(t *testing.T) {
	o := options(t)
	for _, bytes := range []int{0, 20} {
		o.Rand = strings.NewReader(strings.Repeat("x", bytes))
		if _, err := credentials.Open(o); err == nil {
			t.Errorf("made from %d bytes", bytes)
		}
	}
	o.Rand = strings.NewReader(strings.Repeat("x", 60)) // enough for the access key
	if _, err := credentials.Open(o); err == nil {
		t.Error("made from 60 bytes")
	}
	entries, err := os.ReadDir(o.Directory)
	if err != nil || len(entries) != 1 || entries[0].Name() != credentials.File {
		t.Errorf("made: %v %v", entries, err)
	}
}

func TestKeysAreMadeOnceAndReadBack(t *testing.T) {
	o := options(t)
	made, err := credentials.EnsureKeys(o)
	if err != nil || len(made.MessageID) != 16 || len(made.NextToken) != 32 {
		t.Fatal(len(made.MessageID), len(made.NextToken), err)
	}
	again, err := credentials.EnsureKeys(o)
	if err != nil || !bytes.Equal(again.MessageID, made.MessageID) || !bytes.Equal(again.NextToken, made.NextToken) {
		t.Errorf("read back differently: %v", err)
	}
	entries, err := os.ReadDir(o.Directory)
	if err != nil || len(entries) != 1 {
		t.Errorf("left behind: %v %v", entries, err)
	}
}

func write(t *testing.T, o credentials.Options, name, text string, mode os.FileMode) string {
	t.Helper()
	if err := os.MkdirAll(o.Directory, 0o700); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(o.Directory, name)
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
	return path
}
