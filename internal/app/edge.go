package app

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"slices"

	awsconfig "github.com/aws/aws-sdk-go-v2/config"

	"heliograph/internal/admin"
	"heliograph/internal/api"
	"heliograph/internal/carrier"
	"heliograph/internal/certificate"
	"heliograph/internal/destination"
	"heliograph/internal/destination/endpoint"
	"heliograph/internal/sms"
	"heliograph/internal/trace/publication"
)

// newRouter makes the router of a slot's events with the publishers that the
// configuration asks for.
func (s *service) newRouter(slot int, foreign bool) (*destination.Router, error) {
	o := endpoint.Options{URL: s.cfg.AWS.EndpointURL, ConnectURL: s.cfg.AWS.ConnectEndpointURL, Slot: slot, Local: s.local, Embedded: s.embeddedPublisher}
	if o.URL != "" || o.ConnectURL != "" {
		loaded, err := awsconfig.LoadDefaultConfig(context.Background(), awsconfig.WithRegion(s.cfg.Region))
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
		Slot: slot, Foreign: foreign, Log: s.engine, Destinations: s.destinations,
		Messages: func(ctx context.Context, ids []sms.ID) ([]*sms.Message, error) {
			return s.messages.Fill(ctx, s.engine, ids)
		},
		MessageID: s.ids.Format, Factory: publication.Factory(s.tracer, s.ids.Parse, s.checked(factory)), Logger: s.log, Published: s.metrics.publication,
		MaxLagAge: s.cfg.Events.Retention,
	}), nil
}

// listen opens the API's port, with TLS where it is configured.
func (s *service) listen() (*http.Server, net.Listener, error) {
	rates, err := s.cfg.API.RequestRates.Rates()
	if err != nil {
		return nil, nil, err
	}
	endpoint, err := s.endpointPolicy()
	if err != nil {
		return nil, nil, err
	}
	listener, err := net.Listen("tcp", s.cfg.API.Listen)
	if err != nil {
		return nil, nil, fmt.Errorf("api.listen: %w", err)
	}
	if err := s.openTopics(listener.Addr()); err != nil {
		listener.Close()
		return nil, nil, err
	}
	handler := api.New(api.Options{
		Directory: s.directory, Sender: s.accept, Keys: s.authority, Authority: s.authority, EndpointPolicy: endpoint, CheckRoles: s.cfg.AWS.CheckRoles, Operator: s.cfg.Account, Partition: s.cfg.Partition(), Region: s.cfg.Region,
		Rates: rates, SharedRates: s.taker(), Limits: s.cfg.Limits.API(), ConfiguredSpend: s.cfg.Limits.Spend, SimulatedInventory: s.cfg.SimulatedInventory,
		NextTokenKey: s.secrets.NextTokenKey, ExtraOperations: slices.Concat(s.operations(), []api.Operation{s.reconciliation(), admin.RotateDataKeys(s.cfg.Account, s.rotateKeys)}, admin.Deactivations(s.cfg.Account, s.deactivations), s.usageOperations(), s.accounts(),
			admin.Subscriptions(s.cfg.Account, s.directory, s.lists)),
		Lists: s.lists, Committer: s.committer, Feedback: s.feedback, Services: s.services(),
		Healthy: s.healthy, Observe: s.metrics.request, Audit: s.audit, Tracer: s.tracer, Log: s.log, Now: now,
	})
	mux := http.NewServeMux()
	mux.Handle("/", handler)
	mux.Handle("GET /metrics", s.metrics.handler())
	server := api.NewServer(mux, s.cfg.API.MaxConnections, s.log)
	if s.cfg.API.TLS.Enabled() {
		pair, err := certificate.Open(s.cfg.API.TLS.CertFile, s.cfg.API.TLS.KeyFile, now, s.log)
		if err != nil {
			listener.Close()
			return nil, nil, fmt.Errorf("api.tls: %w", err)
		}
		listener = tls.NewListener(listener, pair.Config())
	}
	return server, listener, nil
}

// operations are the operator's operations, on the same port.
func (s *service) operations() []api.Operation {
	return admin.Operations(admin.Options{Account: s.cfg.Account, Directory: s.directory, Messages: s.engine, MessageIDs: s.ids,
		Carriers: s.carriers, DefaultCarrier: s.cfg.DefaultCarrier, Depths: s.queue.Depths, Nodes: s.manager.State, Rand: rand.Reader})
}

// accounts are the operator's operations on accounts, their limits, keys and policies.
func (s *service) accounts() []api.Operation {
	return append(admin.Accounts(admin.AccountOptions{Account: s.cfg.Account, Directory: s.directory, Limits: s.cfg.Limits.API(),
		Spend: s.cfg.Limits.Spend, Log: s.log}),
		admin.Identities(admin.IdentityOptions{Account: s.cfg.Account, Directory: s.directory, Authority: s.authority, Sealer: s.sealer, Log: s.log})...)
}

// taker is where nodes agree on request rates, nil where there cannot be others.
func (s *service) taker() api.Taker {
	if s.place.shared == nil {
		return nil
	}
	return s.place.shared
}

// carriers are the configured ones, in their order, with what this node has of each.
func (s *service) carriers() []admin.Carrier {
	here := map[string][]carrier.Carrier{}
	for _, c := range s.queue.Carriers() {
		here[c.Name()] = append(here[c.Name()], c)
	}
	all := make([]admin.Carrier, len(s.cfg.Carriers))
	for i, c := range s.cfg.Carriers {
		kind := "sim"
		if c.SMPP != nil {
			kind = "smpp"
		}
		all[i] = admin.Carrier{Name: c.Name, Kind: kind, Window: window(c), Shards: s.layout[c.Name], Traits: s.traits[c.Name], Here: here[c.Name]}
	}
	return all
}

// healthy answers GET /healthz: the store has to answer.
func (s *service) healthy(ctx context.Context) error {
	_, err := s.engine.LastSeq(ctx, s.committer.Fence().Slot)
	return err
}
