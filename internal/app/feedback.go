package app

import (
	"heliograph/internal/feedback"
	"heliograph/internal/nodes"
)

// newFeedback makes the flow that keeps the feedback of messages.
func (s *service) newFeedback() *feedback.Flow {
	return feedback.New(feedback.Options{Engine: s.engine, Lists: s.lists, Committer: s.committer, Messages: s.messages, MessageIDs: s.ids,
		Mine:    func() bool { return s.manager.Holds(nodes.Sweep) },
		Metrics: feedback.NewMetrics(s.metrics.registry), Log: s.log, Now: now})
}
