package main

import (
	"fmt"
	"io"
	"log/slog"

	"heliograph/internal/app"
	"heliograph/internal/config"
)

type serveCommand struct{}

// Run serves until the first interrupt. The one line on standard output says that
// requests are answered; the log goes to standard error.
func (serveCommand) Run(s *session) error {
	cfg, err := s.config()
	if err != nil {
		return err
	}
	log, err := logger(cfg.Log, s.err)
	if err != nil {
		return err
	}
	return app.Run(s.ctx, cfg, log, func(url string) {
		fmt.Fprintf(s.out, "heliograph: ready on %s\n", url)
	})
}

func logger(c config.Log, w io.Writer) (*slog.Logger, error) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(c.Level)); err != nil {
		return nil, fmt.Errorf("log.level: %w", err)
	}
	options := &slog.HandlerOptions{Level: level}
	if c.Format == config.LogJSON {
		return slog.New(slog.NewJSONHandler(w, options)), nil
	}
	return slog.New(slog.NewTextHandler(w, options)), nil
}
