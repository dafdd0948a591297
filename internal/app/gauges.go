package app

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"heliograph/internal/carrier/smpp"
	"heliograph/internal/destination"
	"heliograph/internal/nodes"
)

// gauges reads the state of the flows at the time of a scrape.
type gauges struct{ *service }

// described is a metric that is read when it is asked for.
type described struct {
	desc *prometheus.Desc
	kind prometheus.ValueType
}

func gauge(name, help string, labels ...string) described {
	return described{prometheus.NewDesc(name, help, labels, nil), prometheus.GaugeValue}
}

func counter(name, help string, labels ...string) described {
	return described{prometheus.NewDesc(name, help, labels, nil), prometheus.CounterValue}
}

var (
	queueMessages = gauge("heliograph_queue_messages", "Messages that wait.", "carrier", "class")
	queueOldest   = gauge("heliograph_queue_oldest_age_seconds", "Age of the oldest message that waits.", "carrier", "class")
	queueParts    = gauge("heliograph_queue_parts", "Message parts that wait.", "carrier")
	queueLanes    = gauge("heliograph_queue_lanes", "Lanes that were sent through since the start.", "carrier")
	queueInFlight = gauge("heliograph_queue_in_flight_parts", "Message parts handed over, without an outcome.", "carrier")
	queueHeld     = gauge("heliograph_queue_held_messages", "Messages that wait for their recipient's slot or a retry.", "carrier")

	carrierUp     = gauge("heliograph_carrier_up", "1 while parts can be handed over.", "carrier")
	carrierBound  = gauge("heliograph_carrier_sessions", "Sessions that are bound.", "carrier")
	carrierRoom   = gauge("heliograph_carrier_window_room_parts", "Message parts that the windows have room for.", "carrier")
	carrierWindow = gauge("heliograph_carrier_window_parts", "Message parts that may be unanswered in all sessions together.", "carrier")

	smppBinds      = counter("heliograph_smpp_binds_total", "Binds that succeeded.", "carrier")
	smppFailures   = counter("heliograph_smpp_bind_failures_total", "Binds that failed, connections included.", "carrier")
	smppLost       = counter("heliograph_smpp_sessions_lost_total", "Sessions that were bound and ended.", "carrier")
	smppUnreadable = counter("heliograph_smpp_unreadable_total", "deliver_sm and data_sm that said nothing about a message.", "carrier")
	smppNotKept    = counter("heliograph_smpp_not_kept_total", "Receipts and messages from handsets answered with a temporary error.", "carrier")

	nodesThere = gauge("heliograph_nodes", "Nodes that share the database and are there.")
	nodeLease  = gauge("heliograph_node_lease_remaining_seconds", "Time to the end of this node's lease; nothing is sent after it.")
	shardHeld  = gauge("heliograph_shard_held", "1 while this node hands over the messages of the shard.", "shard")

	awaiting = gauge("heliograph_receipts_awaited", "Message parts that wait for their receipt.")
	parked   = gauge("heliograph_receipts_parked", "Receipts that wait for their message part.")

	optOutRows = counter("heliograph_opt_out_rows_read_total", "Rows of opt-out lists that were looked up, one for each send that was checked.")

	eventsRouted   = counter("heliograph_events_routed_total", "Events taken from the log to be handed to their destinations.")
	eventsLost     = counter("heliograph_events_lost_total", "Events that a destination never gets: too old, refused for good, or not in the database any more.")
	eventsDropped  = counter("heliograph_events_dropped_total", "Events that waited for a destination that was deleted.")
	eventsDetached = counter("heliograph_event_destinations_detached_total", "Times that a destination was set aside.")
	eventsPending  = gauge("heliograph_events_pending", "Events in memory on their way to destinations.")
	cursorLag      = gauge("heliograph_event_cursor_lag_events", "Events handed out beyond the cursor in the database: they are published again after a crash.")
	eventLag       = gauge("heliograph_event_destination_lag_events", "Events that a destination has still to get.", "destination")
	eventUp        = gauge("heliograph_event_destination_up", "1 while the destination takes events at once.", "destination")
)

// watch registers what is read when it is asked for.
func (m *metrics) watch(g *gauges) { m.registry.MustRegister(g) }

// Describe describes nothing: what there is depends on the carriers.
func (g *gauges) Describe(chan<- *prometheus.Desc) {}

// Collect reads everything.
func (g *gauges) Collect(out chan<- prometheus.Metric) {
	set := func(d described, v float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d.desc, d.kind, v, labels...)
	}
	now := time.Now()
	for _, d := range g.queue.Depths() {
		for _, c := range d.Classes {
			age := 0.0
			if !c.Oldest.IsZero() {
				age = max(now.Sub(c.Oldest), 0).Seconds()
			}
			set(queueMessages, float64(c.Messages), d.Carrier, c.Class)
			set(queueOldest, age, d.Carrier, c.Class)
		}
		set(queueParts, float64(d.Parts), d.Carrier)
		set(queueLanes, float64(d.Lanes), d.Carrier)
		set(queueInFlight, float64(d.InFlight), d.Carrier)
		set(queueHeld, float64(d.Held), d.Carrier)
	}
	g.collectCarriers(set)
	g.collectNodes(set)
	waiting, held := g.receipts.Sizes()
	set(awaiting, float64(waiting))
	set(parked, float64(held))
	set(optOutRows, float64(g.optOuts.RowsRead()))

	g.collectEvents(set)
	g.collectSpend(set)
}

// collectCarriers reads the shards of carriers that this node has, together where it
// has several of one.
func (g *gauges) collectCarriers(set func(described, float64, ...string)) {
	for _, c := range g.carriers() {
		if len(c.Here) == 0 {
			continue
		}
		state := c.State()
		set(carrierUp, flag(state.Up), c.Name)
		set(carrierBound, float64(state.Sessions), c.Name)
		set(carrierRoom, float64(c.Room()), c.Name)
		set(carrierWindow, float64(c.Window)*float64(len(c.Here))/float64(c.Shards), c.Name)
		if c.Kind != "smpp" {
			continue
		}
		var n smpp.Stats
		for _, here := range c.Here {
			if centre, ok := here.(*smpp.Carrier); ok {
				n = n.Add(centre.Stats())
			}
		}
		set(smppBinds, float64(n.Binds), c.Name)
		set(smppFailures, float64(n.BindFailures), c.Name)
		set(smppLost, float64(n.Lost), c.Name)
		set(smppUnreadable, float64(n.Unreadable), c.Name)
		set(smppNotKept, float64(n.NotKept), c.Name)
	}
}

func (g *gauges) collectNodes(set func(described, float64, ...string)) {
	s, there := g.manager.State(), 0
	for _, n := range s.Nodes {
		if !n.Free && n.Left > 0 {
			there++
		}
	}
	set(nodesThere, float64(there))
	set(nodeLease, max(g.manager.LeaseLeft().Seconds(), 0))
	for _, shard := range s.Shards {
		set(shardHeld, flag(g.manager.Holds(nodes.ShardHolding(shard))), shard)
	}
}

func (g *gauges) collectEvents(set func(described, float64, ...string)) {
	var sum destination.Stats
	lag, up := map[string]int64{}, map[string]bool{}
	for _, r := range g.work.routers() {
		n := r.Stats()
		sum.Routed += n.Routed
		sum.Lost += n.Lost
		sum.Dropped += n.Dropped
		sum.Detached += n.Detached
		sum.Pending += n.Pending
		sum.Uncommitted += n.Uncommitted
		for _, h := range r.Health() {
			before, seen := up[h.Destination]
			up[h.Destination] = h.Attached && (before || !seen)
			lag[h.Destination] += h.Lag
		}
	}
	set(eventsRouted, float64(sum.Routed))
	set(eventsLost, float64(sum.Lost))
	set(eventsDropped, float64(sum.Dropped))
	set(eventsDetached, float64(sum.Detached))
	set(eventsPending, float64(sum.Pending))
	set(cursorLag, float64(sum.Uncommitted))
	for name := range up {
		set(eventLag, float64(lag[name]), name)
		set(eventUp, flag(up[name]), name)
	}
}

func flag(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
