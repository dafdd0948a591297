package app

import (
	"context"
	"fmt"
	"path/filepath"

	awsconfig "github.com/aws/aws-sdk-go-v2/config"

	"heliograph/internal/destination/endpoint"
	"heliograph/internal/embedded/firehose"
)

// openStreams opens the buffers of embedded delivery streams.
func (s *service) openStreams(ctx context.Context) error {
	buffers := filepath.Join(s.cfg.DataDir, "firehose")
	var target firehose.Target = firehose.Folder(filepath.Join(s.cfg.DataDir, "streams"))
	if address := s.cfg.AWS.S3EndpointURL; address != "" {
		loaded, err := awsconfig.LoadDefaultConfig(ctx, awsconfig.WithRegion(s.cfg.Region))
		if err != nil {
			return fmt.Errorf("read AWS credentials for delivery streams: %w", err)
		}
		if address != endpoint.AWS {
			loaded.BaseEndpoint = &address
		}
		target = firehose.NewBucket(loaded, buffers)
	}
	o := firehose.Options{Directory: s.directory, Partition: s.cfg.Partition(), Region: s.cfg.Region, Buffers: buffers,
		Target: target, Metrics: s.metrics.registry, Log: s.log, Now: now}
	if s.cfg.AWS.CheckRoles {
		o.MayUseRole = s.mayUseStreamRole
	}
	var err error
	s.streams, err = firehose.Open(o)
	return err
}
