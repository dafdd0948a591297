package firehose

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// Object names an object of an account's stream.
type Object struct{ Account, Bucket, Key string }

// Target is where files are delivered: a Folder or a Bucket.
type Target interface {
	// Put stores an object, in the place of one that is there. write gives its content;
	// it may be called more than once.
	Put(ctx context.Context, o Object, write func(io.Writer) error) error
}

// Folder is a directory with one for each account in it, and in that one for each
// bucket.
type Folder string

// Put writes a file that appears when it is whole.
func (f Folder) Put(_ context.Context, o Object, write func(io.Writer) error) error {
	bucket := filepath.Join(string(f), o.Account, o.Bucket)
	path := filepath.Join(bucket, filepath.FromSlash(o.Key))
	if rel, err := filepath.Rel(bucket, path); err != nil || rel == ".." || strings.HasPrefix(rel, ".."+string(filepath.Separator)) {
		return fmt.Errorf("key %q leaves its bucket's folder", o.Key)
	}
	if err := makeDirectories(filepath.Dir(path)); err != nil {
		return err
	}
	return replaceFile(path, write)
}

// Bucket is an S3-compatible service.
type Bucket struct {
	client *s3.Client
	spool  string
}

// NewBucket makes a Bucket; the configuration has the endpoint and the credentials.
// spool is a directory for content that is on its way.
func NewBucket(config aws.Config, spool string) Bucket {
	return Bucket{s3.NewFromConfig(config, func(o *s3.Options) { o.UsePathStyle = true }), spool}
}

// Put puts an object. Its content is on disk before, because a request is signed over
// it and says how long it is.
func (b Bucket) Put(ctx context.Context, o Object, write func(io.Writer) error) error {
	file, err := os.CreateTemp(b.spool, "object-*")
	if err != nil {
		return err
	}
	defer file.Close()
	if err := errors.Join(os.Remove(file.Name()), write(file)); err != nil {
		return err
	}
	size, err := file.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	_, err = b.client.PutObject(ctx, &s3.PutObjectInput{Bucket: &o.Bucket, Key: &o.Key, Body: io.NewSectionReader(file, 0, size)})
	return err
}
