package app

import (
	"context"
	"net"
	"time"

	"heliograph/internal/accept"
	"heliograph/internal/config"
	"heliograph/internal/egress"
	"heliograph/internal/embedded/sns"
	"heliograph/internal/nodes"
	"heliograph/internal/resources"
)

// topics are the embedded topics with their subscriptions.
type topics struct {
	service     *sns.Service
	subscribers *sns.Subscribers
	handshake   *sns.Handshake
}

// openTopics makes them, unless aws.endpoint_url names others. address is where the
// API's port listens.
func (s *service) openTopics(address net.Addr) error {
	if s.cfg.AWS.EndpointURL != "" {
		return nil
	}
	ids, err := sns.NewMessageIDs(s.secrets.MessageIDKey)
	if err != nil {
		return err
	}
	place := sns.Place{Partition: s.cfg.Partition(), Region: s.cfg.Region}
	url := sns.PublicURL(s.cfg.API.PublicURL, s.url(address))
	signer := sns.NewSigner(s.lists, s.committer, s.secrets.MessageIDKey, now, s.log)
	client := sns.NewClient(egress.New(s.cfg.Egress.AllowNetworks.Prefixes))
	t := &topics{}
	t.handshake = sns.NewHandshake(sns.HandshakeOptions{Place: place, PublicURL: url, Directory: s.directory, Signer: signer, Client: client,
		Mine: func() bool { return s.manager.Holds(nodes.Sweep) }, Log: s.log, Now: now})
	t.service = sns.New(sns.Options{Place: place, Directory: s.directory, Committer: s.committer, Sender: texts{s.accept}, Signer: signer,
		IDs: ids, Handshake: t.handshake, Now: now})
	t.subscribers = sns.NewSubscribers(sns.SubscribersOptions{Place: place, PublicURL: url, Directory: s.directory, Committer: s.committer,
		Sender: texts{s.accept}, Signer: signer, IDs: ids, Client: client, Metrics: sns.NewMetrics(s.metrics.registry), Log: s.log, Now: now})
	s.topics = t
	return nil
}

// expireDeadLetters lets go of dead letters that are older than is kept of them.
func (s *service) expireDeadLetters(ctx context.Context) {
	if s.topics == nil {
		return
	}
	s.expire(ctx, "old dead letters are still there", min(expireEvery, keepDeadLetters(s.cfg)), s.dropDeadLetters)
}

func (s *service) dropDeadLetters(ctx context.Context) error {
	return s.topics.subscribers.ExpireDeadLetters(ctx, s.lists, now().Add(-keepDeadLetters(s.cfg)))
}

// keepDeadLetters is how long dead letters are kept: no longer than events wait for their
// destinations, and than texts and numbers, which are in them, are kept of messages.
func keepDeadLetters(cfg config.Config) time.Duration {
	keep := cfg.Events.Retention
	for _, shorter := range []time.Duration{cfg.Retention.Bodies, cfg.Retention.Numbers} {
		if shorter > 0 {
			keep = min(keep, shorter)
		}
	}
	return keep
}

// confirmations asks new subscribers of embedded topics to confirm, until ctx ends.
func (s *service) confirmations(ctx context.Context) {
	if s.topics != nil {
		s.topics.handshake.Run(ctx)
	}
}

// texts sends text messages for topics as SendTextMessage does.
type texts struct{ accept *accept.Service }

func (t texts) Send(ctx context.Context, account *resources.Snapshot, m sns.TextMessage) (string, error) {
	return t.accept.Send(ctx, account, accept.Request{Destination: m.Destination, OriginationIdentity: m.OriginationIdentity, Body: m.Body,
		MessageType: m.Type, MaxPrice: m.MaxPrice, CountryParameters: m.CountryParameters,
		IdempotencyKey: m.IdempotencyKey})
}
