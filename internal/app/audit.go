package app

import (
	"context"
	"fmt"
	"math"
	"path/filepath"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"

	"heliograph/internal/audit"
	"heliograph/internal/audit/trail"
	"heliograph/internal/config"
	"heliograph/internal/embedded/cloudtrail"
	"heliograph/internal/resources"
)

// AuditDirectory is where a node's audit log is in its data directory.
func AuditDirectory(dataDir string) string { return filepath.Join(dataDir, "audit") }

// openAudit opens the audit log, and the trail where one is configured.
func (s *service) openAudit(ctx context.Context) error {
	c := s.cfg.Audit
	log, err := audit.Open(audit.Options{Directory: AuditDirectory(s.cfg.DataDir), FileBytes: c.FileBytes, Keep: c.Keep, SyncEach: c.Sync == config.SyncEach,
		Account: s.cfg.Account, Region: s.cfg.Region, Now: now, Metrics: s.metrics.registry, Log: s.log})
	if err != nil {
		return err
	}
	s.audit = log
	if c.S3.Bucket == "" {
		return nil
	}
	region := c.S3.Region
	if region == "" {
		region = s.cfg.Region
	}
	loaded, err := awsconfig.LoadDefaultConfig(ctx, awsconfig.WithRegion(region))
	if err != nil {
		return fmt.Errorf("read AWS credentials for audit.s3: %w", err)
	}
	if c.S3.EndpointURL != "aws" {
		loaded.BaseEndpoint = aws.String(c.S3.EndpointURL)
	}
	s.trail = trail.New(trail.Options{Log: log, AWS: loaded, Bucket: c.S3.Bucket, Prefix: c.S3.Prefix, Region: s.cfg.Region, Every: c.S3.Every,
		Now: now, Metrics: s.metrics.registry, Logger: s.log})
	return nil
}

// closeAudit brings what was recorded last to disk.
func (s *service) closeAudit() {
	if s.audit == nil {
		return
	}
	if err := s.audit.Close(); err != nil {
		s.log.Error("the audit log did not close in order", "error", err)
	}
}

// runAudit copies and delivers what is recorded, until ctx ends.
func (s *service) runAudit(ctx context.Context) {
	var loops sync.WaitGroup
	needed := func() uint64 { return math.MaxUint64 - 1 }
	if s.trail != nil {
		loops.Go(func() { s.trail.Run(ctx) })
		needed = func() uint64 { return s.audit.Delivered(trail.Target) }
	}
	loops.Go(func() { s.audit.Run(ctx, needed) })
	loops.Go(func() { s.audit.CopyTo(ctx, s.committer, s.cfg.Audit.Lookup) })
	loops.Wait()
}

// cloudTrail answers lookups of what was recorded.
func (s *service) cloudTrail() *cloudtrail.Service {
	return cloudtrail.New(cloudtrail.Options{Lists: s.lists, Trail: s.trail, Account: s.cfg.Account, Partition: s.cfg.Partition(), Region: s.cfg.Region})
}

// dropRecords adds the records that are looked up no longer to what is deleted.
func dropRecords(d *resources.Directory, before time.Time, logs map[int64]time.Time) {
	for _, a := range d.Inventory().Accounts.All() {
		logs[audit.List(a.ID)] = before
	}
}
