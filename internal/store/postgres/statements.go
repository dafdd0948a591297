package postgres

import (
	"fmt"
	"strings"
)

// The statements of a commit, in the order in which they are sent. Deletes and
// locks find their rows by a key's index in ascending order, so that nodes that
// want the same rows do not wait for one another in a circle. Where rows are joined
// with arrays, all of the key comes from arrays: the planner would take a part of it
// that is given apart for enough.
var (
	begin = &statement{"begin", "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE", nil}

	// The settings of a transaction whose session is not the engine's own.
	settings = &statement{"settings", "SELECT set_config(name, value, true) FROM unnest($1::text[], $2::text[]) AS s(name, value)",
		[]uint32{oidTexts, oidTexts}}

	// Dividing by zero is how a statement fails by itself. A plain SELECT would let
	// a commit land after a takeover; with the lock the takeover waits for it.
	fence = &statement{"fence", "SELECT 1 / count(*) FROM (SELECT FROM node WHERE slot = $1 AND epoch = $2 FOR SHARE) AS held",
		[]uint32{oidInt, oidInt}}

	// What the slot's last commit left.
	state = &statement{"state", "SELECT n, seq, id FROM last_commit WHERE slot = $1 AND epoch = $2 ORDER BY n DESC LIMIT 1",
		[]uint32{oidInt, oidInt}}

	known        = &statement{"known", "SELECT id FROM message WHERE id = ANY($1)", []uint32{oidInts}}
	takeQueued   = &statement{"take-queued", "DELETE FROM queued WHERE id = ANY($1) RETURNING " + queuedColumns, []uint32{oidInts}}
	lockQueued   = &statement{"lock-queued", "SELECT " + queuedColumns + " FROM queued WHERE id = ANY($1) ORDER BY id FOR UPDATE", []uint32{oidInts}}
	takeAwaiting = &statement{"take-awaiting", "DELETE FROM awaiting WHERE id = ANY($1) RETURNING " + awaitingColumns, []uint32{oidInts}}
	lockAwaiting = &statement{"lock-awaiting", "SELECT " + awaitingColumns + " FROM awaiting WHERE id = ANY($1) ORDER BY id FOR UPDATE", []uint32{oidInts}}
	lockResource = &statement{"lock-resources", `SELECT r.account, r.kind, r.id, r.version
		FROM unnest($1::text[], $2::text[], $3::text[]) AS k(account, kind, id) JOIN resource r USING (account, kind, id)
		ORDER BY r.account, r.kind, r.id FOR UPDATE OF r`, []uint32{oidTexts, oidTexts, oidTexts}}

	// The row of the commit before makes way; it fails where that is gone.
	follow = &statement{"follow", `WITH gone AS (DELETE FROM last_commit WHERE slot = $1 AND epoch = $2 AND n = $3 RETURNING 1)
		INSERT INTO last_commit (slot, epoch, n, seq, id) SELECT $1, $2, $4 / count(*), $5, $6 FROM gone`,
		[]uint32{oidInt, oidInt, oidInt, oidInt, oidInt, oidInt}}

	insertMessage = &statement{"insert-message", "INSERT INTO message (account, id, doc) SELECT " + unnest(1, 3),
		[]uint32{oidTexts, oidInts, oidByteas}}
	deleteQueued = &statement{"delete-queued", "DELETE FROM queued WHERE id = ANY($1)", []uint32{oidInts}}
	updateQueued = &statement{"update-queued", `UPDATE queued q SET shard = u.shard, lane = u.lane, due = u.due, attempts = u.attempts, route = u.route
		FROM ` + queuedRows + " WHERE q.id = u.id", queuedTypes}
	insertQueued   = &statement{"insert-queued", "INSERT INTO queued (" + queuedColumns + ") SELECT " + unnest(1, 9), queuedTypes}
	deleteAwaiting = &statement{"delete-awaiting", "DELETE FROM awaiting WHERE id = ANY($1)", []uint32{oidInts}}
	updateAwaiting = &statement{"update-awaiting", "UPDATE awaiting a SET shard = u.shard, expires = u.expires, doc = u.doc FROM " +
		awaitingRows + " WHERE a.id = u.id", awaitingTypes}
	insertAwaiting = &statement{"insert-awaiting", "INSERT INTO awaiting (" + awaitingColumns + ") SELECT " + unnest(1, 4), awaitingTypes}

	insertDispatch = &statement{"insert-dispatch", "INSERT INTO dispatch (slot, seq, carrier, parts) SELECT $1, * FROM unnest($2::bigint[], $3::text[], $4::bytea[])",
		[]uint32{oidInt, oidInts, oidTexts, oidByteas}}
	deleteDispatch = &statement{"delete-dispatch", "DELETE FROM dispatch d USING " + slotSeqs + " WHERE d.slot = k.slot AND d.seq = k.seq",
		[]uint32{oidInts, oidInts}}
	insertParked = &statement{"insert-parked", "INSERT INTO receipt_parked (slot, seq, carrier, at, doc) SELECT $1, * FROM unnest($2::bigint[], $3::text[], $4::bigint[], $5::bytea[])",
		[]uint32{oidInt, oidInts, oidTexts, oidInts, oidByteas}}
	deleteParked = &statement{"delete-parked", "DELETE FROM receipt_parked p USING " + slotSeqs + " WHERE p.slot = k.slot AND p.seq = k.seq",
		[]uint32{oidInts, oidInts}}

	insertEvent = &statement{"insert-event", `INSERT INTO event (slot, seq, msg, account, cset, status, at, final, doc)
		SELECT $1, ` + unnest(2, 7) + ", unnest($8) <> 0, unnest($9)",
		[]uint32{oidInt, oidInts, oidInts, oidTexts, oidTexts, oidTexts, oidInts, oidInts, oidByteas}}

	// Rows that every commit replaces. The key of the row before is known, and it
	// fails where that row is gone; or else all there are make way.
	dropCursor = &statement{"drop-cursor", `WITH gone AS (DELETE FROM router r USING ` + slotSeqs + ` WHERE r.slot = k.slot AND r.seq = k.seq RETURNING 1)
		SELECT 1 / (count(*) = cardinality($1))::int FROM gone`, []uint32{oidInts, oidInts}}
	dropCursors = &statement{"drop-cursors", "DELETE FROM router WHERE slot = ANY($1)", []uint32{oidInts}}
	putCursor   = &statement{"put-cursor", "INSERT INTO router (slot, seq) SELECT " + unnest(1, 2), []uint32{oidInts, oidInts}}
	dropSpend   = &statement{"drop-spend", `WITH gone AS (DELETE FROM spend s USING unnest($1, $2, $3, $4, $5, $6, $7) AS k(slot, account, month, channel, country, route, n)
			WHERE s.slot = k.slot AND s.account = k.account AND s.month = k.month AND s.channel = k.channel
				AND s.country = k.country AND s.route = k.route AND s.n = k.n RETURNING 1)
		SELECT 1 / (count(*) = cardinality($1))::int FROM gone`, spendTypes[:7]}
	putSpend   = &statement{"put-spend", "INSERT INTO spend (" + spendRow + ") SELECT " + unnest(1, 11), spendTypes}
	startSpend = &statement{"start-spend", `WITH k AS (SELECT * FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) AS k(` + spendRow + `)),
			gone AS (DELETE FROM spend s USING k WHERE s.slot = k.slot AND s.account = k.account AND s.month = k.month AND s.channel = k.channel
				AND s.country = k.country AND s.route = k.route RETURNING s.*)
		INSERT INTO spend (` + spendRow + `)
		SELECT slot, account, month, channel, country, route, max(n), sum(parts)::bigint, sum(price)::bigint, sum(fee_parts)::bigint, sum(fee)::bigint
		FROM (SELECT * FROM k UNION ALL SELECT slot, account, month, channel, country, route, NULL, parts, price, fee_parts, fee FROM gone) AS rows
		GROUP BY slot, account, month, channel, country, route
		RETURNING ` + spendColumns, spendTypes}
	deleteLag = &statement{"delete-lag", `DELETE FROM event_lag l USING unnest($1::text[], $2::bigint[], $3::bigint[]) AS k(destination, slot, first)
		WHERE l.destination = k.destination AND l.slot = k.slot AND l.first = k.first`, []uint32{oidTexts, oidInts, oidInts}}
	putLag = &statement{"put-lag", `INSERT INTO event_lag (destination, slot, first, seqs) SELECT * FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::bytea[])
		ON CONFLICT (destination, slot, first) DO UPDATE SET seqs = excluded.seqs`, []uint32{oidTexts, oidInts, oidInts, oidByteas}}
	addLoss = &statement{"add-loss", `INSERT INTO event_loss AS l (destination, slot, kind, events)
		SELECT * FROM unnest($1::text[], $2::bigint[], $3::text[], $4::bigint[]) AS u(destination, slot, kind, events) ORDER BY 1, 2, 3
		ON CONFLICT (destination, slot, kind) DO UPDATE SET events = l.events + excluded.events`, []uint32{oidTexts, oidInts, oidTexts, oidInts}}

	deleteResource = &statement{"delete-resource", `DELETE FROM resource r USING unnest($1::text[], $2::text[], $3::text[]) AS k(account, kind, id)
		WHERE r.account = k.account AND r.kind = k.kind AND r.id = k.id`, []uint32{oidTexts, oidTexts, oidTexts}}
	updateResource = &statement{"update-resource", "UPDATE resource r SET version = u.version, created = u.created, tags = u.tags, doc = u.doc FROM " +
		resourceRows + " WHERE r.account = u.account AND r.kind = u.kind AND r.id = u.id", resourceTypes}
	insertResource = &statement{"insert-resource", "INSERT INTO resource (" + resourceColumns + ") SELECT * FROM " + resourceRows, resourceTypes}
	// Those who watch are told when the transaction commits.
	tell = &statement{"tell", `WITH counted AS (INSERT INTO change_count AS c (topic, n) SELECT topic, 1 FROM unnest($1::text[]) AS topic
		ON CONFLICT (topic) DO UPDATE SET n = c.n + 1 RETURNING topic) SELECT pg_notify('` + channel + `', topic) FROM counted`, []uint32{oidTexts}}

	commit = &statement{"commit", "COMMIT", nil}

	// Only to learn what became of a commit: the slot's row, once no commit holds it.
	settle = &statement{"settle", "SELECT epoch FROM node WHERE slot = $1 FOR NO KEY UPDATE", []uint32{oidInt}}
	// The rows of an epoch's last commits; there is one, but for what is under way.
	settled = &statement{"settled", "SELECT n FROM last_commit WHERE slot = $1 AND epoch = $2", []uint32{oidInt, oidInt}}
	backend = &statement{"backend", "SELECT pg_backend_pid()", nil}
)

// all are the statements that are prepared.
var all = []*statement{begin, settings, fence, state, known, takeQueued, lockQueued, takeAwaiting, lockAwaiting, lockResource, follow,
	insertMessage, deleteQueued, updateQueued, insertQueued, deleteAwaiting, updateAwaiting, insertAwaiting,
	insertDispatch, deleteDispatch, insertParked, deleteParked, insertEvent, dropCursor, dropCursors, putCursor, deleteLag, putLag, addLoss,
	dropSpend, putSpend, startSpend, lockEntries, deleteEntry, putEntry, insertEntry, insertLogLine,
	deleteResource, updateResource, insertResource, tell, takeRecipients, commit, settle, settled, backend}

// unnest makes rows of parameters that are arrays of the same length. In the list of
// a SELECT it costs the server less than in its FROM, which stores them first.
func unnest(first, last int) string {
	var each []string
	for n := first; n <= last; n++ {
		each = append(each, fmt.Sprintf("unnest($%d)", n))
	}
	return strings.Join(each, ", ")
}

const (
	channel = "heliograph" // of NOTIFY

	queuedColumns   = "id, shard, lane, class, parts, due, expires, attempts, route"
	awaitingColumns = "id, shard, expires, doc"
	eventColumns    = "slot, seq, msg, account, cset, status, at, final, doc"
	resourceColumns = "account, kind, id, version, created, tags, doc"

	spendColumns = "account, month, channel, country, route, parts, price, fee_parts, fee"
	spendRow     = "slot, account, month, channel, country, route, n, parts, price, fee_parts, fee"

	queuedRows   = "unnest($1::bigint[], $2::text[], $3::text[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[], $9::bytea[]) AS u(" + queuedColumns + ")"
	awaitingRows = "unnest($1::bigint[], $2::text[], $3::bigint[], $4::bytea[]) AS u(" + awaitingColumns + ")"
	resourceRows = "unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::bigint[], $6::text[], $7::bytea[]) AS u(" + resourceColumns + ")"
	slotSeqs     = "unnest($1::bigint[], $2::bigint[]) AS k(slot, seq)"
)

var (
	queuedTypes   = []uint32{oidInts, oidTexts, oidTexts, oidInts, oidInts, oidInts, oidInts, oidInts, oidByteas}
	awaitingTypes = []uint32{oidInts, oidTexts, oidInts, oidByteas}
	spendTypes    = []uint32{oidInts, oidTexts, oidTexts, oidTexts, oidTexts, oidTexts, oidInts, oidInts, oidInts, oidInts, oidInts}
	resourceTypes = []uint32{oidTexts, oidTexts, oidTexts, oidInts, oidInts, oidTexts, oidByteas}
)
