package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// operatorPort answers what only the operator may ask: metrics, health, and Go's
// profiles of the process. Whoever reaches it is trusted, so the configuration
// keeps it on this machine where nothing else is said.
func (s *service) operatorPort() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(s.metrics.registry, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, r *http.Request) {
		if err := s.healthy(r.Context()); err != nil {
			http.Error(w, "the database does not answer", http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(w, "ok")
	})
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("POST /debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	return mux
}

// serveOperator opens the operator's port, where one is configured, and serves
// it until stop is called.
func (s *service) serveOperator() (stop func(), err error) {
	if s.cfg.Operator.Listen == "" {
		return func() {}, nil
	}
	listener, err := net.Listen("tcp", s.cfg.Operator.Listen)
	if err != nil {
		return nil, fmt.Errorf("operator.listen: %w", err)
	}
	// A profile takes as long as it was asked to, so answers are not bounded.
	server := &http.Server{Handler: s.operatorPort(), ReadHeaderTimeout: 10 * time.Second, MaxHeaderBytes: 16 << 10,
		ErrorLog: slog.NewLogLogger(s.log.Handler(), slog.LevelDebug)}
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			s.log.Error("the operator's port is closed", "error", err)
		}
	}()
	s.log.Info("operator's port is open", "address", listener.Addr().String())
	return func() {
		// What is still asked for, such as a scrape, gets a moment.
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if server.Shutdown(ctx) != nil {
			server.Close()
		}
		<-done
	}, nil
}
