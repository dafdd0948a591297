package sns

import (
	"context"
	"net/http"
	"time"

	"heliograph/internal/resources"
)

// What a client may ask for without a signature that there is not: tokens that are
// wrong, subscriptions that have ended. Those that are right do not count.
const (
	failuresPerSecond = 2
	failuresBurst     = 20
	failureClients    = 5_000 // that are remembered at least
)

// rereadEvery is how often an account's resources are read again, at most, for what the
// node does not know.
const rereadEvery = 500 * time.Millisecond

// reread is when an account's resources were read again.
type reread struct {
	turn        chan struct{} // full while somebody reads
	began, read time.Time     // the last time that it began, and that it began and was done
}

// missed gives the newest resources of an account, for a request that asks for what the
// node does not know: another one may have made it. Those that come together share what
// is read.
//
// Errors: Throttled for a client that misses too often.
func (s *Service) missed(ctx context.Context, account, client string, signed bool) (*resources.Snapshot, error) {
	if !signed {
		if _, ok := s.failures.Allow(client, s.Now()); !ok {
			return nil, exception("Throttled", http.StatusTooManyRequests, "Too many requests of this client are wrong. Try again later.")
		}
	}
	came := time.Now()
	of, _ := s.rereads.LoadOrStore(account, &reread{turn: make(chan struct{}, 1)})
	r := of.(*reread)
	select {
	case r.turn <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	defer func() { <-r.turn }()
	if r.read.After(came) {
		return s.Directory.Account(account), nil
	}
	timer := time.NewTimer(time.Until(r.began.Add(rereadEvery)))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	r.began = time.Now()
	if err := s.Directory.Refresh(ctx, account); err != nil {
		return nil, err
	}
	r.read = r.began
	return s.Directory.Account(account), nil
}
