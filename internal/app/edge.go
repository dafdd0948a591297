package app

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"path/filepath"

	awsconfig "github.com/aws/aws-sdk-go-v2/config"

	"heliograph/internal/admin"
	"heliograph/internal/api"
	"heliograph/internal/carrier/sim"
	"heliograph/internal/destination"
	"heliograph/internal/destination/endpoint"
	"heliograph/internal/destination/local"
	"heliograph/internal/sms"
)

// newRouter makes the router of events with the publishers that the
// configuration asks for.
func (s *service) newRouter(ctx context.Context, slot int) (*destination.Router, error) {
	o := endpoint.Options{URL: s.cfg.AWS.EndpointURL, Slot: slot,
		Local: local.New(filepath.Join(s.cfg.DataDir, "events"), local.Options{FileBytes: s.cfg.Events.LocalFileBytes, Files: s.cfg.Events.LocalFiles})}
	if o.URL != "" {
		loaded, err := awsconfig.LoadDefaultConfig(ctx, awsconfig.WithRegion(s.cfg.Region))
		if err != nil {
			return nil, fmt.Errorf("read AWS credentials for event destinations: %w", err)
		}
		o.AWS = loaded
	}
	factory, err := endpoint.New(o)
	if err != nil {
		return nil, err
	}
	return destination.NewRouter(destination.Options{
		Slot: slot, Log: s.engine, Destinations: s.destinations,
		Messages: func(ctx context.Context, ids []sms.ID) ([]*sms.Message, error) {
			return s.messages.Fill(ctx, s.engine, ids)
		},
		MessageID: s.ids.Format, Factory: factory, Logger: s.log, Published: s.metrics.publication,
		MaxLagAge: s.cfg.Events.Retention,
	}), nil
}

func (s *service) destinations(account, set string) []sms.EventDestination {
	snapshot := s.directory.Account(account)
	if snapshot == nil {
		return nil
	}
	item := snapshot.ConfigurationSets.Get(set)
	if item == nil {
		return nil
	}
	return item.Value.Destinations
}

// listen opens the API's port, with TLS where it is configured.
func (s *service) listen() (*http.Server, net.Listener, error) {
	rates, err := s.cfg.API.RequestRates.Rates()
	if err != nil {
		return nil, nil, err
	}
	handler := api.New(api.Options{
		Directory: s.directory, Sender: s.accept, Keys: s.secrets.Keys, Partition: s.cfg.Partition(), Region: s.cfg.Region,
		Rates: rates, Limits: s.cfg.Limits.API(), SimulatedInventory: s.cfg.SimulatedInventory,
		NextTokenKey: s.secrets.NextTokenKey, ExtraOperations: s.operations(),
		Healthy: s.healthy, Observe: s.metrics.request, Log: s.log, Now: now,
	})
	mux := http.NewServeMux()
	mux.Handle("/", handler)
	mux.Handle("GET /metrics", s.metrics.handler())
	listener, err := net.Listen("tcp", s.cfg.API.Listen)
	if err != nil {
		return nil, nil, fmt.Errorf("api.listen: %w", err)
	}
	server := api.NewServer(mux, s.cfg.API.MaxConnections, s.log)
	if s.cfg.API.TLS.Enabled() {
		pair, err := tls.LoadX509KeyPair(s.cfg.API.TLS.CertFile, s.cfg.API.TLS.KeyFile)
		if err != nil {
			listener.Close()
			return nil, nil, fmt.Errorf("api.tls: %w", err)
		}
		listener = tls.NewListener(listener, &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"}})
	}
	return server, listener, nil
}

// windows are how many message parts may be unanswered, by carrier.
func (s *service) windows() map[string]int {
	windows := map[string]int{}
	for _, c := range s.cfg.Carriers {
		if c.SMPP != nil {
			windows[c.Name] = c.SMPP.Capacity()
		} else {
			windows[c.Name] = cmp.Or(c.Sim.Window, sim.DefaultWindow)
		}
	}
	return windows
}

// operations are the operator's operations, on the same port.
func (s *service) operations() []api.Operation {
	windows := s.windows()
	kinds := map[string]string{}
	for _, c := range s.cfg.Carriers {
		kinds[c.Name] = "sim"
		if c.SMPP != nil {
			kinds[c.Name] = "smpp"
		}
	}
	all := make([]admin.Carrier, len(s.carriers))
	for i, c := range s.carriers {
		all[i] = admin.Carrier{Carrier: c, Kind: kinds[c.Name()], Window: windows[c.Name()]}
	}
	return admin.Operations(admin.Options{Account: s.cfg.Account, Directory: s.directory, Messages: s.engine, MessageIDs: s.ids,
		Carriers: all, DefaultCarrier: s.cfg.DefaultCarrier, Depths: s.queue.Depths, Rand: rand.Reader})
}

// healthy answers GET /healthz: the store has to answer.
func (s *service) healthy(ctx context.Context) error {
	_, err := s.engine.LastSeq(ctx, s.committer.Fence().Slot)
	return err
}
