//go:build harness && postgres

package crash

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"heliograph/internal/sms"
	"heliograph/internal/store/pgtest"
	"heliograph/internal/store/postgres"
	"heliograph/test/rig"
)

// lease is how long a node's lease lasts.
const lease = 5 * time.Second

// fleet is the life of one PostgreSQL database, and of several nodes over it. Each
// has its own way to the database.
type fleet struct {
	*world
	cluster *pgtest.Cluster
	engine  *postgres.Engine // to look
	ways    map[*node]*rig.Proxy
	url     string

	inFlight map[sms.PartID]bool // marked as in flight when a process ended
	strict   bool                // nothing but the end of a process costs answers
}

// newFleet makes a database, the message centres, and so many nodes.
func newFleet(t *testing.T, cluster *pgtest.Cluster, seed uint64, number, size int, f *figures) *fleet {
	t.Helper()
	e := &fleet{world: newWorld(t, seed, number, f), cluster: cluster, url: cluster.Database(),
		ways: map[*node]*rig.Proxy{}, inFlight: map[sms.PartID]bool{}, strict: number%3 == 0}
	e.plan.small = false
	if e.plan.window == 5 {
		e.plan.rate = min(e.plan.rate, 200) // more does not get through
	}
	e.timeout = 3 * time.Second
	for i := range size {
		n := e.addNode(fmt.Sprintf("n%d", i+1))
		network, address := cluster.Address()
		way, err := rig.NewProxy(network, address)
		if err != nil {
			t.Fatal(err)
		}
		e.ways[n] = way
		n.launch.Config = e.configuration(n)
	}
	return e
}

func (e *fleet) configuration(n *node) string {
	smpp := func(centre string) string {
		return fmt.Sprintf("address: %q, system_id: %s, password: secret, window: %d, reconnect_min: 20ms, reconnect_max: 200ms, throttle_pause: 50ms, response_timeout: 1s",
			e.centres[centre].Address, n.name, e.plan.window)
	}
	return fmt.Sprintf(`account: %q
tier: production
limits: {text_monthly_spend_usd: %s}
node: %s
database: "postgres://postgres@%s/%s?sslmode=disable&application_name=%s"
api: {request_rates: unlimited}
recipient_interval: %s
two_way: {reassembly_timeout: 6h, answers_per_hour: 0}
failover_after: 300ms
lost_outcomes: {transactional: resend, promotional: %s}
events: {local_file_bytes: %d, local_files: 10000}
carriers:
  - {name: one, smpp: {%s}}
  - {name: two, shards: 3, smpp: {sessions: 3, %s}}
numbers:
%slog: {level: warn, format: json}
`, account, e.plan.limit(), n.name, e.ways[n].Address, pgtest.Name(e.url), n.name, e.plan.interval, e.plan.promotional, e.plan.fileBytes, smpp("one"), smpp("two"), inventory())
}

// begin starts the nodes, of which the first makes the keys for all, and then the
// load.
func (e *fleet) begin() {
	e.t.Helper()
	first := e.nodes[0]
	first.startNext(nil)
	first.serves()
	for _, n := range e.nodes[1:] {
		if err := os.MkdirAll(n.data(), 0o700); err != nil {
			e.t.Fatal(err)
		}
		for _, name := range []string{"credentials", "keys"} {
			if err := copyFile(n.data(name), first.data(name)); err != nil {
				e.t.Fatal(err)
			}
			if err := os.Chmod(n.data(name), 0o600); err != nil {
				e.t.Fatal(err)
			}
		}
		n.startNext(nil)
	}
	for _, n := range e.nodes[1:] {
		n.serves()
	}
	var err error
	if e.engine, err = postgres.Open(e.t.Context(), e.url, postgres.Options{Readers: 2, Sealer: keysIn(e.t, first.data())}); err != nil {
		e.t.Fatal(err)
	}
	e.prepare()
	e.agree()
	e.runClients()
}

// agree waits until all nodes know the same resources.
func (e *fleet) agree() {
	e.t.Helper()
	for _, operation := range []string{"DescribePhoneNumbers", "DescribePools", "DescribeConfigurationSets"} {
		eventually(e.t, "all nodes to answer "+operation+" alike", func() bool {
			var first []byte
			for i, n := range e.nodes {
				c := e.dial(n)
				_, answer, err := c.Call(operation, []byte("{}"))
				c.Close()
				if err != nil {
					e.t.Fatalf("%s at %s: %v", operation, n.name, err)
				}
				if i == 0 {
					first = bytes.Clone(answer)
				} else if !bytes.Equal(first, answer) {
					return false
				}
			}
			return true
		})
	}
}

// slotOf is the slot that a node has, and its epoch.
func (e *fleet) slotOf(n *node) (slot int, epoch int64) {
	e.t.Helper()
	nodes, err := e.engine.Nodes(e.t.Context())
	if err != nil {
		e.t.Fatal(err)
	}
	for _, other := range nodes {
		if other.Name == n.name && !other.Free {
			return other.Slot, other.Epoch
		}
	}
	return -1, 0
}

// note adds what is in flight by the marks of all slots to what may be sent again.
func (e *fleet) note() {
	e.t.Helper()
	nodes, err := e.engine.Nodes(e.t.Context())
	if err != nil {
		e.t.Fatal(err)
	}
	for _, n := range nodes {
		maps.Copy(e.inFlight, e.marks(e.engine, n.Slot).inFlight)
	}
}

// kill ends a process as a power cut does.
func (e *fleet) kill(n *node, how string) {
	e.t.Helper()
	n.slay()
	e.killed(n, how)
}

// killed is what follows a kill, however the process was killed.
func (e *fleet) killed(n *node, how string) {
	e.t.Helper()
	n.up.Store(false)
	e.figures.kill(how)
	n.readLog()
	e.forgotten(n)
	if slot, _ := e.slotOf(n); slot >= 0 {
		e.figures.flying(len(e.marks(e.engine, slot).inFlight))
	}
	e.note()
}

// forgotten waits until the database has done with a process that has ended: a commit
// that was sent may be made after that.
func (e *fleet) forgotten(n *node) {
	e.t.Helper()
	conn, err := pgx.Connect(e.t.Context(), e.url)
	if err != nil {
		e.t.Fatal(err)
	}
	defer conn.Close(e.t.Context())
	eventually(e.t, "the database to have done with "+n.name, func() bool {
		var left int
		if err := conn.QueryRow(e.t.Context(), "SELECT count(*) FROM pg_stat_activity WHERE application_name = $1 AND datname = current_database()", n.name).Scan(&left); err != nil {
			e.t.Fatal(err)
		}
		return left == 0
	})
}

// serve starts a process and waits until it serves.
func (e *fleet) serve(n *node) {
	e.t.Helper()
	n.startNext(nil)
	n.serves()
}

// recover starts again whatever has ended, until all nodes serve.
func (e *fleet) recover() {
	e.t.Helper()
	for _, n := range e.nodes {
		select {
		case <-n.server.Done():
			n.up.Store(false)
			n.readLog()
			e.forgotten(n)
			e.note()
			e.serve(n)
		default:
			n.up.Store(true)
		}
	}
}

// look reads the store: every message that a client was told of is there.
func (e *fleet) look() {
	e.t.Helper()
	for _, n := range e.nodes {
		n.readLog()
	}
	e.lookForTaken(e.engine)
}

// resumes waits until each node accepts messages again, with nobody's help.
func (e *fleet) resumes() {
	e.t.Helper()
	before := map[*node]int64{}
	for _, n := range e.nodes {
		before[n] = n.accepted.Load()
	}
	eventually(e.t, "every node to accept messages again", func() bool {
		for _, n := range e.nodes {
			if n.accepted.Load() < before[n]+3 {
				return false
			}
		}
		return true
	})
	e.failing.Store(false)
}

// finish ends the load, lets the nodes come to the end of everything, and holds all
// that is left against all that was seen.
func (e *fleet) finish() {
	e.t.Helper()
	e.stop()
	e.busy.Wait()
	e.recover()
	if e.plan.skewed {
		for _, n := range e.nodes {
			n.terminate()
			n.skew.Store(0)
			n.start([]string{plainBinary})
			n.serves()
		}
	}
	e.lastWords()
	e.settle()
	// What passes from one node to another is counted by neither for a moment.
	eventually(e.t, "the store to be settled", func() bool {
		counts, err := e.engine.Counts(e.t.Context())
		if err != nil {
			e.t.Fatal(err)
		}
		return counts.Queued == 0 && counts.Dispatches == 0
	})
	e.settle()
	for _, n := range e.nodes {
		n.checkCounted()
	}
	for _, n := range e.nodes {
		n.terminate()
	}
	e.endIncomplete()
	for _, n := range e.nodes {
		n.terminate()
	}
	e.publishRest()
	e.look()
	e.checkRecovered()
	e.verify(e.engine, e.slots()...)
	e.nodes[0].reconciles()
	if e.t.Failed() {
		e.tell()
	}
}

// tell logs what a failure needs to be understood: the receipts of open messages
// that are parked.
func (e *fleet) tell() {
	ctx := e.t.Context()
	counts, err := e.engine.Counts(ctx)
	e.t.Logf("the store counts %+v, %v", counts, err)
	open, err := e.engine.AwaitingAfter(ctx, "", 0, 1000)
	if err != nil {
		e.t.Log(err)
	}
	told := 0
	for _, slot := range e.slots() {
		parked, err := e.engine.ParkedReceipts(ctx, slot, 0, 10_000)
		if err != nil {
			e.t.Log(err)
		}
		for _, p := range parked {
			for _, row := range open {
				for i, part := range row.Progress.Parts {
					if part.CarrierMessageID == "" || part.Carrier != p.Carrier || !bytes.Contains(p.Doc, []byte(`"`+part.CarrierMessageID+`"`)) {
						continue
					}
					if told++; told < 10 {
						e.t.Logf("part %d of %d (%s), %+v, has a receipt parked in slot %d at %s: %.200s", i+1, row.ID, row.Shard, part, slot, p.At.Format(time.StampMilli), p.Doc)
					}
				}
			}
		}
	}
	e.t.Logf("%d parked receipts are for open parts", told)
}

// slots are those that were ever taken.
func (e *fleet) slots() (slots []int) {
	e.t.Helper()
	nodes, err := e.engine.Nodes(e.t.Context())
	if err != nil {
		e.t.Fatal(err)
	}
	for _, n := range nodes {
		slots = append(slots, n.Slot)
	}
	return slots
}

// checkRecovered: what a node has sent again, because the node before it had ended,
// was in flight then.
func (e *fleet) checkRecovered() {
	e.t.Helper()
	if !e.strict {
		return
	}
	strange := 0
	for part, where := range e.afterEnd {
		if !e.inFlight[part] {
			e.complain(&strange, "the part %d was sent again (%s), and was not in flight when a process ended", part, where)
		}
	}
}

// published reports whether every event was published.
func (e *fleet) published() bool {
	e.t.Helper()
	lag, err := e.engine.LagDestinations(e.t.Context())
	if err != nil {
		e.t.Fatal(err)
	}
	cursors, err := e.engine.Cursors(e.t.Context())
	if err != nil {
		e.t.Fatal(err)
	}
	upto := map[int]int64{}
	for _, c := range cursors {
		upto[c.Slot] = c.Seq
	}
	for _, slot := range e.slots() {
		last, err := e.engine.LastSeq(e.t.Context(), slot)
		if err != nil {
			e.t.Fatal(err)
		}
		if upto[slot] < last {
			return false
		}
	}
	return len(lag) == 0
}

// publishRest starts the nodes until every event was published: what was not when
// they were told to stop is left for the next start.
func (e *fleet) publishRest() {
	e.t.Helper()
	for range 10 {
		if e.published() {
			return
		}
		for _, n := range e.nodes {
			n.start([]string{plainBinary})
			n.serves()
		}
		for end := time.Now().Add(5 * time.Second); !e.published() && time.Now().Before(end); {
			e.wait(100)
		}
		for _, n := range e.nodes {
			n.terminate()
		}
	}
	e.t.Error("there are events that are not published, however often the nodes are started")
}

func (e *fleet) close() {
	e.world.close()
	for _, n := range slices.Collect(maps.Keys(e.ways)) {
		e.ways[n].Close()
	}
	if e.engine != nil {
		e.engine.Close()
	}
	for _, n := range e.nodes {
		if e.t.Failed() {
			e.t.Logf("the directory of %s is left for a look: %s", n.name, filepath.Clean(n.dir))
			continue
		}
		os.RemoveAll(n.dir)
	}
}
