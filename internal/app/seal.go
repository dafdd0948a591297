package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"time"

	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/kms"

	"heliograph/internal/admin"
	"heliograph/internal/config"
	"heliograph/internal/credentials"
	"heliograph/internal/destination/endpoint"
	"heliograph/internal/resources"
	"heliograph/internal/seal"
	"heliograph/internal/store"
)

// keysEvery is how often it is looked whether more seals are to be taken of a data key.
const keysEvery = 5 * time.Second

// openKeyring makes the keyring, which the engine is given, and which is empty until
// the engine has been read.
func (s *service) openKeyring(ctx context.Context) error {
	masters, err := masterKeys(ctx, s.cfg, s.secrets.NextTokenKey)
	if err != nil {
		return err
	}
	o := seal.Options{Masters: masters, Keep: seal.KeepFile(s.cfg.DataDir)}
	if s.cfg.Database != config.SQLite { // which no other node writes to
		o.Reload = s.dataKeys
	}
	s.keyring = seal.New(o)
	s.sealer = s.keyring
	return nil
}

// masterKeys are the master key that is configured, or the one that is made of secret,
// and after it those that only open. Without a secret there is none made of it.
func masterKeys(ctx context.Context, cfg config.Config, secret []byte) ([]seal.Master, error) {
	e := cfg.Encryption
	var all []seal.Master
	add := func(key string, m seal.Master, err error) error {
		if err != nil {
			return fmt.Errorf("%s: %w", key, err)
		}
		all = append(all, m)
		return nil
	}
	var err error
	switch {
	case e.KeyFile != "":
		m, failed := masterOfFile(e.KeyFile)
		err = add("encryption.key_file", m, failed)
	case e.Key != "":
		key, failed := seal.ParseKey(string(e.Key))
		if failed == nil {
			var m seal.Master
			m, failed = seal.NewMaster(key)
			all = append(all, m)
		}
		err = failed
	case e.KMS.KeyID != "":
		m, failed := masterOfKMS(ctx, cfg, e.KMS)
		err = add("encryption.kms", m, failed)
	}
	if err == nil && e.PreviousKeyFile != "" {
		m, failed := masterOfFile(e.PreviousKeyFile)
		err = add("encryption.previous_key_file", m, failed)
	}
	if err == nil && e.PreviousKMS.KeyID != "" {
		m, failed := masterOfKMS(ctx, cfg, e.PreviousKMS)
		err = add("encryption.previous_kms", m, failed)
	}
	if err != nil {
		return nil, err
	}
	if secret == nil {
		return all, nil
	}
	derived, err := seal.Derived(secret)
	if err != nil {
		return nil, err
	}
	if e.KeyFile == "" && e.Key == "" && e.KMS.KeyID == "" {
		return append([]seal.Master{derived}, all...), nil
	}
	return append(all, derived), nil
}

func masterOfFile(path string) (seal.Master, error) {
	key, err := seal.ReadKeyFile(path)
	if err != nil {
		return nil, err
	}
	return seal.NewMaster(key)
}

func masterOfKMS(ctx context.Context, cfg config.Config, k config.KMS) (seal.Master, error) {
	region := k.Region
	if region == "" {
		region = cfg.Region
	}
	loaded, err := awsconfig.LoadDefaultConfig(ctx, awsconfig.WithRegion(region))
	if err != nil {
		return nil, fmt.Errorf("read AWS credentials: %w", err)
	}
	if k.EndpointURL != "" && k.EndpointURL != endpoint.AWS {
		loaded.BaseEndpoint = &k.EndpointURL
	}
	at := region
	if loaded.BaseEndpoint != nil {
		if u, err := url.Parse(k.EndpointURL); err == nil {
			at += "/" + u.Host
		}
	}
	return seal.NewKMS(kms.NewFromConfig(loaded), k.KeyID, at), nil
}

// dataKeys reads them from the database.
func (s *service) dataKeys(ctx context.Context) (seal.DataKeys, error) {
	return dataKeys(ctx, s.engine)
}

func dataKeys(ctx context.Context, engine store.Engine) (seal.DataKeys, error) {
	rows, err := engine.Resources(ctx, "")
	if err != nil {
		return nil, err
	}
	return resources.DataKeysOf(rows)
}

// loadKeys fills the keyring with the keys that the database has. It comes before
// anything is written: with another master key nothing could be read.
func (s *service) loadKeys(ctx context.Context) error {
	all, err := s.dataKeys(ctx)
	if err == nil {
		err = s.keyring.Load(ctx, all)
	}
	return keysError(err, s.cfg)
}

// LocalKeys are the keys that the files of a data directory are read with, by a command
// beside the server.
func LocalKeys(ctx context.Context, cfg config.Config) (store.Sealer, error) {
	read := func(context.Context) (seal.DataKeys, error) { return seal.ReadFile(cfg.DataDir) }
	all, err := read(ctx)
	if err != nil || len(all) == 0 {
		return seal.New(seal.Options{}), err // nothing was sealed there
	}
	if err := keysThere(ctx, cfg); err != nil {
		return nil, err
	}
	var keys credentials.Keys
	if _, err := os.Stat(filepath.Join(cfg.DataDir, credentials.KeysFile)); err == nil {
		if keys, err = credentials.EnsureKeys(credentials.Options{Directory: cfg.DataDir}); err != nil {
			return nil, err
		}
	}
	masters, err := masterKeys(ctx, cfg, keys.NextToken)
	if err != nil {
		return nil, err
	}
	keyring := seal.New(seal.Options{Masters: masters, Reload: read})
	return keyring, keysError(keyring.Load(ctx, all), cfg)
}

// keysThere refuses a data directory that was used with a master key made of the file
// keys, and that has no such file any more, before another is made.
func keysThere(ctx context.Context, cfg config.Config) error {
	if _, err := os.Stat(filepath.Join(cfg.DataDir, credentials.KeysFile)); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	all, err := seal.ReadFile(cfg.DataDir)
	if err != nil || len(all) == 0 {
		return err
	}
	masters, err := masterKeys(ctx, cfg, nil)
	if err != nil {
		return err
	}
	for _, item := range all {
		if !slices.ContainsFunc(masters, func(m seal.Master) bool { return m.Opens(item.Value.By) }) {
			return keysError(fmt.Errorf("data key %s: %w: it needs %s", item.ID, seal.ErrMaster, item.Value.By), cfg)
		}
	}
	return nil
}

// keysError says what to look for where the keys of the data cannot be opened.
func keysError(err error, cfg config.Config) error {
	if errors.Is(err, seal.ErrMaster) {
		return fmt.Errorf("the data cannot be decrypted: %w. Put back the file %s/%s, or the key that encryption.key_file, key or kms named before "+
			"(or name it as encryption.previous_key_file or previous_kms); nothing was changed", err, cfg.DataDir, credentials.KeysFile)
	}
	if err != nil {
		return fmt.Errorf("the data cannot be decrypted: %w; nothing was changed", err)
	}
	return nil
}

// learnKeys hears of data keys that other nodes have made.
func (s *service) learnKeys(ctx context.Context) error {
	return s.keyring.Load(ctx, s.directory.Inventory().DataKeys.All())
}

// refresh reads again what another node has written.
func (s *service) refresh(ctx context.Context, account string) error {
	if err := s.directory.Refresh(ctx, account); err != nil || account != "" {
		return err
	}
	return s.learnKeys(ctx)
}

// keepKeys sees to it that there is a data key that may be used, until ctx ends.
func (s *service) keepKeys(ctx context.Context) {
	tick := time.NewTicker(keysEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if !s.keyring.Low() {
			continue
		}
		if err := s.keyring.Take(ctx, s.directory); err != nil && ctx.Err() == nil {
			s.log.Error("no more seals could be taken of a data key; it goes on with the last one", "error", err)
		}
	}
}

// rotateKeys is the operator's operation.
func (s *service) rotateKeys(ctx context.Context, masterOnly bool) (admin.RotateDataKeysOutput, error) {
	done, err := s.keyring.Rotate(ctx, s.directory, masterOnly)
	if err != nil {
		return admin.RotateDataKeysOutput{}, err
	}
	s.log.Info("keys of data at rest were rotated", "data_key", done.Number, "rewrapped", done.Rewrapped, "master_key", done.Master)
	return admin.RotateDataKeysOutput{DataKey: done.Number, Rewrapped: done.Rewrapped, Master: done.Master}, nil
}
