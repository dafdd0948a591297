package postgres

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"heliograph/internal/sms"
	"heliograph/internal/store"
)

// The statements of what nodes share. They go out on connections of their own, so
// that they wait neither for commits nor for reads.
var (
	// What is new in the logs of slots: the first row after each place is found, and
	// where there is none nothing else is looked for. The last column tells what a row
	// is. One statement is one snapshot, in which a log has no holes: whoever sees an
	// event sees those before it, for each commit of a slot is begun after the one
	// before has ended.
	news = &statement{"news", `WITH begun AS MATERIALIZED (
			SELECT k.slot, (SELECT e.seq FROM event e WHERE e.slot = k.slot AND e.seq > k.seq ORDER BY e.slot, e.seq LIMIT 1) AS first
			FROM unnest($1::bigint[], $2::bigint[]) AS k(slot, seq)), fresh AS MATERIALIZED (
			SELECT slot, first FROM begun WHERE first IS NOT NULL)
		SELECT e.slot, e.seq, e.msg, e.account, e.cset, e.status, e.at, e.final, CASE WHEN q.id IS NULL THEN e.doc END,
			q.id, q.shard, q.lane, q.class, q.parts, q.due, q.expires, q.attempts, q.route
		FROM fresh f JOIN event e ON e.slot = f.slot AND e.seq >= f.first AND e.seq < f.first + $3
			LEFT JOIN queued q ON q.id = CASE WHEN e.status IN ('QUEUED', 'MOVED') THEN e.msg END AND q.shard = ANY($4)
		WHERE q.id IS NOT NULL OR $5 <> 0 AND (e.status IN ('SUCCESSFUL', 'TAKEN') OR e.final)
		UNION ALL SELECT f.slot, (SELECT e.seq FROM event e WHERE e.slot = f.slot AND e.seq < f.first + $3 ORDER BY e.slot DESC, e.seq DESC LIMIT 1),
			0, '', '', '', 0, false, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL FROM fresh f`,
		[]uint32{oidInts, oidInts, oidInt, oidTexts, oidInt}}

	// A rate by the theoretical arrival time (GCRA, ITU-T I.371): $2 is the interval,
	// $3 the burst, $4 what is asked for; nanoseconds.
	take = &statement{"take", `WITH clock AS MATERIALIZED (SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint * 1000 AS at)
		INSERT INTO rate AS r (name, tat, granted) SELECT $1, at + least($3, $4) * $2, least($3, $4) FROM clock
		ON CONFLICT (name) DO UPDATE SET (tat, granted) = (
			SELECT g.tat + g.granted * $2, g.granted FROM (
				SELECT t.tat, least($4, (at + $3 * $2 - t.tat) / $2) AS granted
				FROM clock, LATERAL (SELECT least(greatest(r.tat, at), at + $3 * $2) AS tat) AS t) AS g)
		RETURNING granted, tat - (SELECT at FROM clock) - ($3 - 1) * $2`,
		[]uint32{oidText, oidInt, oidInt, oidInt}}

	// The next slots of recipients; $2 are the intervals in microseconds.
	takeRecipients = &statement{"take-recipients", `WITH clock AS MATERIALIZED (SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint AS at)
		INSERT INTO recipient AS r (key, next, held) SELECT k.key, at + k.pause, false FROM clock, unnest($1::bigint[], $2::bigint[]) AS k(key, pause)
		ON CONFLICT (key) DO UPDATE SET held = r.next > (SELECT at FROM clock),
			next = CASE WHEN r.next > (SELECT at FROM clock) THEN r.next ELSE excluded.next END
		RETURNING key, held, next - (SELECT at FROM clock)`, []uint32{oidInts, oidInts}}

	// What a node may spend. All that is there is added up once nobody else can
	// change it.
	lockAllowance = &statement{"lock-allowance", `INSERT INTO allowance AS a (account, month, channel, slot, amount) VALUES ($1, $2, $3, -1, 1)
		ON CONFLICT (account, month, channel, slot) DO UPDATE SET amount = a.amount + 1`, []uint32{oidText, oidText, oidText}}
	allow = &statement{"allow", `WITH rows AS (
				SELECT slot, price + fee AS spent, 0 AS allowed FROM spend WHERE account = $1 AND month = $2 AND channel = $3
				UNION ALL SELECT slot, 0, amount FROM allowance WHERE account = $1 AND month = $2 AND channel = $3 AND slot >= 0),
			slots AS (SELECT slot, sum(spent)::bigint AS spent, greatest(sum(spent), sum(allowed))::bigint AS allowed FROM rows GROUP BY slot),
			total AS (SELECT coalesce(sum(allowed), 0)::bigint AS allowed, coalesce(sum(spent) FILTER (WHERE slot = $4), 0)::bigint AS spent,
				coalesce(sum(allowed) FILTER (WHERE slot = $4), 0)::bigint AS own FROM slots),
			granted AS (SELECT own, CASE WHEN $6 < 0 THEN greatest($6, spent - own) WHEN $7 - allowed >= $5 THEN least($6, $7 - allowed) ELSE 0 END AS amount FROM total),
			put AS (INSERT INTO allowance (account, month, channel, slot, amount) SELECT $1, $2, $3, $4, own + amount FROM granted WHERE amount <> 0
				ON CONFLICT (account, month, channel, slot) DO UPDATE SET amount = excluded.amount)
		SELECT amount FROM granted`, []uint32{oidText, oidText, oidText, oidInt, oidInt, oidInt, oidInt}}

	sweepRecipients = &statement{"sweep-recipients", `DELETE FROM recipient WHERE key IN (SELECT key FROM recipient
		WHERE next < (extract(epoch FROM clock_timestamp()) * 1000000)::bigint LIMIT $1 FOR UPDATE SKIP LOCKED)`, []uint32{oidInt}}
	sweepRates = &statement{"sweep-rates", `DELETE FROM rate WHERE name IN (SELECT name FROM rate
		WHERE tat < (extract(epoch FROM clock_timestamp()) - 3600)::bigint * 1000000000 LIMIT $1 FOR UPDATE SKIP LOCKED)`, []uint32{oidInt}}
)

// sharing are the statements that are prepared on the connections for what nodes
// share.
var sharing = []*statement{begin, fence, commit, news, take, lockAllowance, allow, sweepRecipients, sweepRates}

// share carries out statements that are added by add, in one round trip; together,
// in a transaction, they are made or not.
func (e *Engine) share(ctx context.Context, what string, transaction bool, add func(*exchange)) error {
	if e.isClosed() {
		return store.ErrClosed
	}
	if err := e.shareOn(ctx, transaction, add); err != nil {
		if e.isClosed() {
			return store.ErrClosed
		}
		return fmt.Errorf("%s: %w", what, classify(ctx, err))
	}
	return nil
}

func (e *Engine) shareOn(ctx context.Context, transaction bool, add func(*exchange)) error {
	limited, cancel := context.WithTimeout(ctx, e.options.CommitTimeout)
	defer cancel()
	from, err := e.shares.Acquire(limited)
	if err != nil {
		return err
	}
	defer from.Release()
	c := &conn{raw: from.Conn().PgConn(), prepared: !e.pooled}
	x := c.exchange(limited)
	transaction = transaction || e.pooled
	if transaction {
		e.begin(x)
	}
	add(x)
	if transaction {
		x.add(commit, nil)
	}
	err = x.sync()
	code := sqlState(err)
	if !x.end(limited) || code == codeStalePlan || code == codeNoStatement {
		c.close() // its statements are of no more use
	}
	return err
}

// News reads the logs of slots, each after a Seq; see store.Shared. A message is
// there once, however often its log speaks of it.
func (e *Engine) News(ctx context.Context, after []store.SlotSeq, shards []string, taken bool, limit int) (store.News, error) {
	n := store.News{Upto: append([]store.SlotSeq(nil), after...)}
	slots, seqs, names, too := array{oid: oidInts}, array{oid: oidInts}, array{oid: oidTexts}, int64(0)
	at := map[int]int{}
	for i, k := range after {
		slots.int(int64(k.Slot))
		seqs.int(k.Seq)
		at[k.Slot] = i
	}
	for _, name := range shards {
		names.text(name)
	}
	if taken {
		too = 1
	}
	told := map[int64]bool{}
	if e.pooled {
		if found, err := e.anyNews(ctx, after); err != nil || !found {
			return n, err
		}
	}
	err := e.share(ctx, "read news", false, func(x *exchange) {
		x.add(news, func(r row) error {
			switch {
			case len(r[5]) == 0:
				n.Upto[at[int(r.int(0))]].Seq = r.int(1)
			case !r.null(9):
				if told[r.int(9)] {
					return nil
				}
				told[r.int(9)] = true
				q, err := scanQueued(r[9:])
				n.Queued = append(n.Queued, q)
				return err
			default:
				return e.collectEvents(&n.Taken)(r)
			}
			return nil
		}, slots.param(), seqs.param(), intParam(int64(limit)), names.param(), intParam(too))
	})
	if err != nil {
		return store.News{}, err
	}
	// Rows come as the server has joined them.
	slices.SortFunc(n.Queued, func(a, b store.Queued) int { return cmp.Compare(a.ID, b.ID) })
	return n, nil
}

// anyNews reports whether there is anything new. Where statements are not prepared,
// planning the one that reads news costs many times what this does.
func (e *Engine) anyNews(ctx context.Context, after []store.SlotSeq) (found bool, err error) {
	var slots, seqs []int64
	for _, k := range after {
		slots, seqs = append(slots, int64(k.Slot)), append(seqs, k.Seq)
	}
	err = e.scan(ctx, e.shares, "news", `SELECT 1 FROM unnest($1::bigint[], $2::bigint[]) AS k(slot, seq)
		WHERE (SELECT e.seq FROM event e WHERE e.slot = k.slot AND e.seq > k.seq ORDER BY e.slot, e.seq LIMIT 1) IS NOT NULL LIMIT 1`,
		func(row) error {
			found = true
			return nil
		}, slots, seqs)
	return found, err
}

// Take takes up to n requests from a rate that all nodes share; see store.Shared.
// burst and n are at least 1. A rate whose burst was made smaller takes the new one.
func (e *Engine) Take(ctx context.Context, name string, perSecond float64, burst, n int) (granted int, wait time.Duration, err error) {
	interval := math.Round(float64(time.Second) / perSecond)
	if !(interval >= 1 && interval <= float64(longestInterval)) {
		return 0, 0, fmt.Errorf("take from rate %q: %v a second cannot be kept", name, perSecond)
	}
	err = e.share(ctx, "take from a rate", false, func(x *exchange) {
		x.add(take, func(r row) error {
			granted, wait = int(r.int(0)), time.Duration(r.int(1))
			return nil
		}, []byte(name), intParam(int64(interval)), intParam(int64(max(burst, 1))), intParam(int64(max(n, 1))))
	})
	if err != nil {
		return 0, 0, err
	}
	if granted > 0 {
		wait = 0
	}
	return granted, max(wait, 0), nil
}

// longestInterval between two requests of a rate: sums of a thousand of them stay
// within 64 bits.
const longestInterval = 30 * 24 * time.Hour

// Allow raises what the node may spend; see store.Shared. A want below 0 gives back
// what the node may spend and will not.
func (e *Engine) Allow(ctx context.Context, f store.Fence, key store.SpendKey, least, want, limit sms.Money) (granted sms.Money, err error) {
	account, month, channel, slot := []byte(key.Account), []byte(key.Month), []byte(key.Channel), intParam(int64(f.Slot))
	err = e.share(ctx, "allow spend", true, func(x *exchange) {
		x.add(fence, nil, slot, intParam(f.Epoch))
		x.add(lockAllowance, nil, account, month, channel)
		x.add(allow, func(r row) error {
			granted = sms.Money(r.int(0))
			return nil
		}, account, month, channel, slot, intParam(int64(least)), intParam(int64(want)), intParam(int64(limit)))
	})
	var step *stepError
	switch {
	case errors.As(err, &step) && step.s == fence && sqlState(err) == codeDivisionByZero:
		return 0, fmt.Errorf("allow spend: %w", fenced(f))
	case err != nil:
		return 0, err
	}
	return granted, nil
}
