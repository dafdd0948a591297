package main

import (
	"fmt"
	"path/filepath"

	"heliograph/internal/app"
	"heliograph/internal/destination/local"
)

type eventsCommand struct {
	ConfigurationSet string `placeholder:"NAME" help:"Only the events of this configuration set."`
	Follow           bool   `short:"f" help:"Go on with events to come, until interrupted."`
}

// Run reads the embedded log in data_dir. It needs no running server.
func (c eventsCommand) Run(s *session) error {
	cfg, err := s.config()
	if err != nil {
		return err
	}
	if cfg.AWS.EndpointURL != "" {
		fmt.Fprintf(s.err, "heliograph: events are published to %s (aws.endpoint_url), not to the embedded log; it has only what came before\n", cfg.AWS.EndpointURL)
	}
	keys, err := app.LocalKeys(s.ctx, cfg)
	if err != nil {
		return err
	}
	options := local.ReadOptions{ConfigurationSet: c.ConfigurationSet, Follow: c.Follow, Sealer: keys}
	return local.Read(s.ctx, filepath.Join(cfg.DataDir, "events"), options, func(line []byte) error {
		_, err := fmt.Fprintf(s.out, "%s\n", line)
		return err
	})
}
