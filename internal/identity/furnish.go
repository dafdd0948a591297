package identity

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"regexp"
	"slices"
	"strings"

	"heliograph/internal/iam"
	"heliograph/internal/resources"
	"heliograph/internal/sms"
)

// deliverPolicy is the name of the policy that the roles have, and eventsDescription what
// iam.EventsRole says of itself.
const (
	deliverPolicy     = "Deliver"
	eventsDescription = "Hands events over to what the account has: log groups, delivery streams with their buckets, topics and instances of Amazon Connect."
)

// roleForm is the form of a role's name.
var roleForm = regexp.MustCompile(`^[A-Za-z0-9_+=,.@-]{1,64}$`)

// EventRoles gives an account, once, the roles of its destinations (it is for
// resources.Directory.Furnish): iam.EventsRole, which hands events over to all that the
// account has itself, and those that destinations and channels from before there were
// roles name, each with what these need and no more.
func EventRoles(partition string, log *slog.Logger) func(*resources.Tx) {
	return func(tx *resources.Tx) {
		f := furnisher{tx: tx, partition: partition, account: tx.Snapshot.Account.ID, log: log, wanted: map[string]*wantedRole{}}
		f.collect()
		for _, arn := range slices.Sorted(maps.Keys(f.wanted)) {
			f.make(arn, f.wanted[arn])
		}
		f.put("/", iam.EventsRole, eventsDescription, []string{iam.FirehosePrincipal, iam.ServicePrincipal}, f.eventsPolicy(true))
	}
}

// RenewEventRoles lets iam.EventsRole deliver the files of delivery streams, in accounts
// that have had it from before their roles were asked for that. One that was changed since
// stays as it is.
func RenewEventRoles(ctx context.Context, directory *resources.Directory, partition string, log *slog.Logger) error {
	for _, s := range directory.Accounts() {
		f := furnisher{partition: partition, account: s.Account.ID}
		if !f.outdated(s.Roles.Get(resources.IAMKey(iam.EventsRole))) {
			continue
		}
		err := directory.Change(ctx, f.account, func(tx *resources.Tx) error {
			role := tx.Roles.Get(resources.IAMKey(iam.EventsRole))
			if !f.outdated(role) {
				return nil
			}
			v := role.Value
			v.Description, v.TrustPinned = eventsDescription, ""
			v.Trust = f.trust([]string{iam.FirehosePrincipal, iam.ServicePrincipal})
			v.Inline = map[string]string{deliverPolicy: f.eventsPolicy(true).String()}
			tx.Roles.Put(role.ID, v)
			return nil
		})
		if err != nil {
			return fmt.Errorf("renew the role %s of account %s: %w", iam.EventsRole, f.account, err)
		}
		log.Info("a role for destinations may deliver the files of delivery streams now", "account", f.account,
			"role", iam.RoleARN(partition, f.account, "/", iam.EventsRole))
	}
	return nil
}

// outdated reports whether a role is iam.EventsRole as it was made at first.
func (f *furnisher) outdated(role *resources.Item[iam.Role]) bool {
	return role != nil && role.Value.DecidingTrust() == f.trust([]string{iam.ServicePrincipal}) &&
		maps.Equal(role.Value.Inline, map[string]string{deliverPolicy: f.eventsPolicy(false).String()})
}

// furnisher makes roles of one account.
type furnisher struct {
	tx                 *resources.Tx
	partition, account string
	log                *slog.Logger
	wanted             map[string]*wantedRole // by ARN
}

// wantedRole is what the destinations that name a role need of it.
type wantedRole struct {
	services map[string]bool
	allowed  map[string]map[string]bool // resources, by the actions on them with commas between
}

func (f *furnisher) want(arn, service, actions, resource string) {
	if arn == "" {
		return
	}
	w := f.wanted[arn]
	if w == nil {
		w = &wantedRole{services: map[string]bool{}, allowed: map[string]map[string]bool{}}
		f.wanted[arn] = w
	}
	w.services[service] = true
	if w.allowed[actions] == nil {
		w.allowed[actions] = map[string]bool{}
	}
	w.allowed[actions][resource] = true
}

// collect finds every role that is named.
func (f *furnisher) collect() {
	deliver := func(d *Delivery) {
		if d == nil || d.Role == "" {
			return
		}
		var actions []string
		for _, group := range d.Needs {
			actions = append(actions, group...)
		}
		on := d.Resource
		if group, found := strings.CutSuffix(on, ":log-stream:heliograph"); found {
			on = group + ":*"
		}
		f.want(d.Role, iam.ServicePrincipal, strings.Join(actions, ","), on)
	}
	for _, set := range f.tx.ConfigurationSets.All() {
		for i := range set.Value.Destinations {
			deliver(EventDelivery(f.account, "", &set.Value.Destinations[i]))
		}
	}
	channel := func(t sms.TwoWay) { deliver(ChannelDelivery(f.account, nil, t)) }
	for _, n := range f.tx.PhoneNumbers.All() {
		channel(n.Value.TwoWay)
	}
	for _, p := range f.tx.Pools.All() {
		channel(p.Value.TwoWay)
	}
	for _, s := range f.tx.DeliveryStreams.All() {
		f.want(s.Value.RoleARN, iam.FirehosePrincipal, "s3:PutObject", s.Value.BucketARN+"/*")
	}
}

// make makes a role that is named and not there. One of another account, or with a name
// that no role can have, stays away: what names it waits until it names another one.
func (f *furnisher) make(arn string, w *wantedRole) {
	partition, account, kind, path, name, ok := iam.SplitARN(arn)
	if !ok || kind != "role" || account != f.account || partition != f.partition || !roleForm.MatchString(name) {
		f.log.Warn("destinations name a role that is none of their account: they get nothing until they name one of it", "account", f.account, "role", arn)
		return
	}
	var policy written
	for _, actions := range slices.Sorted(maps.Keys(w.allowed)) {
		policy.allow(strings.Split(actions, ","), slices.Sorted(maps.Keys(w.allowed[actions]))...)
	}
	f.put(path, name, "Made when roles of destinations came to be checked, for those that named it.", slices.Sorted(maps.Keys(w.services)), policy)
}

// put makes a role unless there is one with this name.
func (f *furnisher) put(path, name, description string, services []string, allows written) {
	if f.tx.Roles.Get(resources.IAMKey(name)) != nil {
		return
	}
	f.tx.Roles.Put(resources.IAMKey(name), iam.Role{ID: "AROA" + rand.Text()[:17], Name: name, Path: path, Description: description,
		Trust: f.trust(services), Grants: iam.Grants{Inline: map[string]string{deliverPolicy: allows.String()}}})
	f.log.Info("a role for destinations was made", "account", f.account, "role", iam.RoleARN(f.partition, f.account, path, name))
}

// trust lets services take a role on for the account's own resources.
func (f *furnisher) trust(services []string) string {
	d := written{[]map[string]any{{"Effect": "Allow", "Principal": map[string]any{"Service": oneOrAll(services)}, "Action": "sts:AssumeRole",
		"Condition": map[string]any{"StringEquals": map[string]string{"aws:SourceAccount": f.account}}}}}
	return d.String()
}

// eventsPolicy allows what all kinds of destinations need, on what the account has, and
// what the files of delivery streams need on buckets, whose ARNs do not tell an account.
func (f *furnisher) eventsPolicy(files bool) written {
	own := func(service, rest string) string {
		return "arn:" + f.partition + ":" + service + ":*:" + f.account + ":" + rest
	}
	var d written
	d.allow([]string{"logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"}, own("logs", "log-group:*"))
	d.allow([]string{"firehose:PutRecord", "firehose:PutRecordBatch"}, own("firehose", "deliverystream/*"))
	d.allow([]string{"sns:Publish"}, own("sns", "*"))
	d.allow([]string{"connect:SendChatIntegrationEvent"}, "*")
	if files {
		d.allow([]string{"s3:PutObject"}, "arn:"+f.partition+":s3:::*")
	}
	return d
}

// written is a policy document that is being written.
type written struct{ statements []map[string]any }

func (d *written) allow(actions []string, on ...string) {
	d.statements = append(d.statements, map[string]any{"Effect": "Allow", "Action": oneOrAll(actions), "Resource": oneOrAll(on)})
}

func (d written) String() string {
	text, _ := json.Marshal(struct {
		Version   string
		Statement []map[string]any
	}{"2012-10-17", d.statements}) // texts, lists and maps always can be
	return string(text)
}

func oneOrAll(texts []string) any {
	if len(texts) == 1 {
		return texts[0]
	}
	return texts
}
