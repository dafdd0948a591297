package app

import (
	"context"

	"heliograph/internal/carrier"
	"heliograph/internal/inbound"
	"heliograph/internal/nodes"
	"heliograph/internal/resources"
	"heliograph/internal/sms"
)

// newInbound makes the flow of messages from handsets. ids are those that messages are
// accepted with.
func (s *service) newInbound(ids *sms.IDs) (*inbound.Flow, error) {
	keys, err := inbound.NewKeys(s.secrets.MessageIDKey)
	if err != nil {
		return nil, err
	}
	return inbound.New(inbound.Options{Lists: s.lists, Committer: s.committer, Directory: s.directory, Reply: s.reply,
		IDs: ids, MessageIDs: s.ids, Keys: keys, Timeout: s.cfg.TwoWay.ReassemblyTimeout, AnswersPerHour: s.cfg.TwoWay.AnswersPerHour,
		Sweeps:  func() bool { return s.manager.Holds(nodes.Sweep) },
		Metrics: inbound.NewMetrics(s.metrics.registry), Log: s.log, Now: now}), nil
}

// reply accepts the answer to a keyword.
func (s *service) reply(ctx context.Context, account *resources.Snapshot, number *sms.PhoneNumber, to, body string) (inbound.Reply, error) {
	prepared, err := s.accept.Reply(ctx, account, number, to, body)
	if err != nil {
		return nil, err
	}
	return prepared, nil
}

// Inbound takes a message from a handset, or a part of one.
func (k sink) Inbound(m carrier.Inbound, done func(error)) { k.service.inbound.Inbound(m, done) }
