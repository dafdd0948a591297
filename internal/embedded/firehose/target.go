package firehose

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// Target is where files are delivered: a Folder or a Bucket.
type Target interface {
	// Put stores an object under a key of a bucket, in the place of one that is there.
	Put(ctx context.Context, bucket, key string, body []byte) error
}

// Folder is a directory with one for each bucket in it.
type Folder string

// Put writes a file that appears when it is whole.
func (f Folder) Put(_ context.Context, bucket, key string, body []byte) error {
	path := filepath.Join(string(f), bucket, filepath.FromSlash(key))
	if rel, err := filepath.Rel(filepath.Join(string(f), bucket), path); err != nil || rel == ".." || strings.HasPrefix(rel, ".."+string(filepath.Separator)) {
		return fmt.Errorf("key %q leaves its bucket's folder", key)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	file, err := os.CreateTemp(filepath.Dir(path), ".new-*")
	if err != nil {
		return err
	}
	_, err = file.Write(body)
	err = errors.Join(err, file.Sync(), file.Close())
	if err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(file.Name()))
	}
	return syncDirectory(filepath.Dir(path))
}

// Bucket is an S3-compatible service.
type Bucket struct{ client *s3.Client }

// NewBucket makes a Bucket; the configuration has the endpoint and the credentials.
func NewBucket(config aws.Config) Bucket {
	return Bucket{s3.NewFromConfig(config, func(o *s3.Options) { o.UsePathStyle = true })}
}

// Put puts an object.
func (b Bucket) Put(ctx context.Context, bucket, key string, body []byte) error {
	_, err := b.client.PutObject(ctx, &s3.PutObjectInput{Bucket: &bucket, Key: &key, Body: bytes.NewReader(body)})
	return err
}
