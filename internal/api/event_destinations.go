package api

import (
	"context"
	"fmt"
	"slices"

	"heliograph/internal/api/wire"
	"heliograph/internal/resources"
	"heliograph/internal/sms"
)

// sinks are the members of a request that say where events go. At most one of
// them may be set.
type sinks struct {
	logs     *wire.CloudWatchLogsDestination
	firehose *wire.KinesisFirehoseDestination
	sns      *wire.SnsDestination
}

// read checks the sinks and gives the destination's. It is the zero value where
// the request names none.
//
// Errors: Validation PARAMETERS_CANNOT_BE_USED_TOGETHER, INVALID_ARN.
func (s sinks) read() (sms.EventDestination, error) {
	var d sms.EventDestination
	var err error
	given := 0
	if s.logs != nil {
		given++
		d.CloudWatchLogs = &sms.CloudWatchLogsDestination{RoleARN: s.logs.IamRoleArn, LogGroupARN: s.logs.LogGroupArn}
		if err = checkRole("CloudWatchLogsDestination.IamRoleArn", s.logs.IamRoleArn); err == nil {
			err = checkLogGroup("CloudWatchLogsDestination.LogGroupArn", s.logs.LogGroupArn)
		}
	}
	if s.firehose != nil {
		given++
		d.Firehose = &sms.FirehoseDestination{RoleARN: s.firehose.IamRoleArn, DeliveryStreamARN: s.firehose.DeliveryStreamArn}
		if err = checkRole("KinesisFirehoseDestination.IamRoleArn", s.firehose.IamRoleArn); err == nil {
			err = checkDeliveryStream("KinesisFirehoseDestination.DeliveryStreamArn", s.firehose.DeliveryStreamArn)
		}
	}
	if s.sns != nil {
		given++
		d.SNS = &sms.SNSDestination{TopicARN: s.sns.TopicArn}
		err = checkTopic("SnsDestination.TopicArn", s.sns.TopicArn)
	}
	if given > 1 {
		return d, &sms.Error{Kind: sms.KindValidation, Reason: sms.ReasonParametersExclude,
			Message: "An event destination has one of CloudWatchLogsDestination, KinesisFirehoseDestination and SnsDestination.",
			Fields:  s.fields("has to be the only destination of the request")}
	}
	return d, err
}

func (s sinks) none() bool { return s == sinks{} }

// fields names the members that are set, or all where none is.
func (s sinks) fields(message string) []sms.Field {
	var fields []sms.Field
	for _, m := range []struct {
		name string
		set  bool
	}{{"CloudWatchLogsDestination", s.logs != nil}, {"KinesisFirehoseDestination", s.firehose != nil}, {"SnsDestination", s.sns != nil}} {
		if m.set || s.none() {
			fields = append(fields, sms.Field{Name: m.name, Message: message})
		}
	}
	return fields
}

// replaceSink gives a destination the sink of an update. Its kind stays.
//
// Errors: Conflict EVENT_DESTINATION_MISMATCH.
func replaceSink(d, update sms.EventDestination) (sms.EventDestination, error) {
	if (d.CloudWatchLogs != nil) != (update.CloudWatchLogs != nil) || (d.Firehose != nil) != (update.Firehose != nil) {
		return d, sms.Conflict(sms.ReasonEventDestinationMismatch, sms.TypeEventDestination, d.Name,
			"Event destination %s cannot change between CloudWatch Logs, Firehose and SNS; create another one.", d.Name)
	}
	d.CloudWatchLogs, d.Firehose, d.SNS = update.CloudWatchLogs, update.Firehose, update.SNS
	return d, nil
}

// eventTypes are all that the model knows.
var eventTypes = []string{
	wire.EventTypeAll, wire.EventTypeTextAll, wire.EventTypeTextSent, wire.EventTypeTextPending,
	wire.EventTypeTextQueued, wire.EventTypeTextSuccessful, wire.EventTypeTextDelivered,
	wire.EventTypeTextInvalid, wire.EventTypeTextInvalidMessage, wire.EventTypeTextUnreachable,
	wire.EventTypeTextCarrierUnreachable, wire.EventTypeTextBlocked, wire.EventTypeTextCarrierBlocked,
	wire.EventTypeTextSpam, wire.EventTypeTextUnknown, wire.EventTypeTextTTLExpired,
	wire.EventTypeTextProtectBlocked, wire.EventTypeVoiceAll, wire.EventTypeVoiceInitiated,
	wire.EventTypeVoiceRinging, wire.EventTypeVoiceAnswered, wire.EventTypeVoiceCompleted,
	wire.EventTypeVoiceBusy, wire.EventTypeVoiceNoAnswer, wire.EventTypeVoiceFailed,
	wire.EventTypeVoiceTTLExpired, wire.EventTypeMediaAll, wire.EventTypeMediaPending, wire.EventTypeMediaQueued,
	wire.EventTypeMediaSuccessful, wire.EventTypeMediaDelivered, wire.EventTypeMediaInvalid,
	wire.EventTypeMediaInvalidMessage, wire.EventTypeMediaUnreachable, wire.EventTypeMediaCarrierUnreachable,
	wire.EventTypeMediaBlocked, wire.EventTypeMediaCarrierBlocked, wire.EventTypeMediaSpam,
	wire.EventTypeMediaUnknown, wire.EventTypeMediaTTLExpired, wire.EventTypeMediaFileInaccessible,
	wire.EventTypeMediaFileTypeUnsupported, wire.EventTypeMediaFileSizeExceeded,
}

// checkEventTypes refuses a type that is given twice; the model has refused those
// that it does not know.
func checkEventTypes(types []string) error {
	for i, t := range types {
		if slices.Contains(types[:i], t) {
			return sms.Invalid(sms.ReasonInvalidParameter, fmt.Sprintf("MatchingEventTypes[%d]", i), "%s is given twice.", t)
		}
	}
	return nil
}

func destinationNamed(set *sms.ConfigurationSet, name string) (int, error) {
	i := slices.IndexFunc(set.Destinations, func(d sms.EventDestination) bool { return d.Name == name })
	if i < 0 {
		return i, sms.NotFound(sms.TypeEventDestination, name)
	}
	return i, nil
}

func (a *API) createEventDestination(ctx context.Context, c *Call, in *wire.CreateEventDestinationRequest) (*wire.CreateEventDestinationResult, error) {
	given := sinks{in.CloudWatchLogsDestination, in.KinesisFirehoseDestination, in.SnsDestination}
	if given.none() {
		return nil, &sms.Error{Kind: sms.KindValidation, Reason: sms.ReasonMissingParameter,
			Message: "One of CloudWatchLogsDestination, KinesisFirehoseDestination and SnsDestination is required.",
			Fields:  given.fields("or another destination is required")}
	}
	destination, err := given.read()
	if err != nil {
		return nil, err
	}
	if err := checkEventTypes(in.MatchingEventTypes); err != nil {
		return nil, err
	}
	destination.Name, destination.Enabled, destination.EventTypes = in.EventDestinationName, true, in.MatchingEventTypes
	request := *in
	request.ClientToken = nil
	token := newClientToken(c, in.ClientToken, &request)
	var set string
	var created sms.EventDestination
	err = a.directory.Change(ctx, c.AccountID, func(tx *resources.Tx) error {
		item, err := find(c, tx.ConfigurationSets, sms.TypeConfigurationSet, in.ConfigurationSetName, "ConfigurationSetName")
		if err != nil {
			return err
		}
		set = item.ID
		earlier, err := token.resource(tx, sms.TypeEventDestination)
		if err != nil {
			return err
		}
		changed := item.Value
		if i, err := destinationNamed(&changed, earlier); err == nil {
			created = changed.Destinations[i]
			return nil
		}
		created = destination
		if err := addDestination(&changed, created, a.limitsOf(c.Account).EventDestinationsPerSet); err != nil {
			return err
		}
		if err := a.passDestinationRole(c, set, &created); err != nil {
			return err
		}
		tx.ConfigurationSets.Put(set, changed)
		token.remember(tx, created.Name)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &wire.CreateEventDestinationResult{
		ConfigurationSetArn: new(c.arn(sms.TypeConfigurationSet, set)), ConfigurationSetName: &set,
		EventDestination: new(wireDestination(created)),
	}, nil
}

// addDestination gives a configuration set one more destination, of most.
//
// Errors: Conflict RESOURCE_ALREADY_EXISTS; ServiceQuotaExceeded
// EVENT_DESTINATIONS_PER_CONFIGURATION_SET.
func addDestination(set *sms.ConfigurationSet, d sms.EventDestination, most int) error {
	if _, err := destinationNamed(set, d.Name); err == nil {
		return sms.Conflict(sms.ReasonResourceAlreadyExists, sms.TypeEventDestination, d.Name,
			"Configuration set %s has an event destination named %s already.", set.Name, d.Name)
	}
	if have := len(set.Destinations); have >= most {
		return sms.QuotaExceeded(sms.ReasonEventDestinationsPerSet,
			"Configuration set %s has %d event destinations; at most %d are allowed.", set.Name, have, most)
	}
	set.Destinations = append(slices.Clone(set.Destinations), d)
	return nil
}

// updateEventDestination changes what the request gives. One that gives nothing
// answers the destination as it is.
func (a *API) updateEventDestination(ctx context.Context, c *Call, in *wire.UpdateEventDestinationRequest) (*wire.UpdateEventDestinationResult, error) {
	given := sinks{in.CloudWatchLogsDestination, in.KinesisFirehoseDestination, in.SnsDestination}
	update, err := given.read()
	if err != nil {
		return nil, err
	}
	if err := checkEventTypes(in.MatchingEventTypes); err != nil {
		return nil, err
	}
	var changed sms.EventDestination
	set, err := a.changeConfigurationSet(ctx, c, in.ConfigurationSetName, func(set *sms.ConfigurationSet) error {
		i, err := destinationNamed(set, in.EventDestinationName)
		if err != nil {
			return err
		}
		changed = set.Destinations[i]
		if !given.none() {
			if changed, err = replaceSink(changed, update); err != nil {
				return err
			}
			if err := a.passDestinationRole(c, set.Name, &changed); err != nil {
				return err
			}
		}
		if in.Enabled != nil {
			changed.Enabled = *in.Enabled
		}
		if in.MatchingEventTypes != nil {
			changed.EventTypes = in.MatchingEventTypes
		}
		set.Destinations = slices.Clone(set.Destinations)
		set.Destinations[i] = changed
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &wire.UpdateEventDestinationResult{
		ConfigurationSetArn: new(c.arn(sms.TypeConfigurationSet, set)), ConfigurationSetName: &set,
		EventDestination: new(wireDestination(changed)),
	}, nil
}

func (a *API) deleteEventDestination(ctx context.Context, c *Call, in *wire.DeleteEventDestinationRequest) (*wire.DeleteEventDestinationResult, error) {
	var deleted sms.EventDestination
	set, err := a.changeConfigurationSet(ctx, c, in.ConfigurationSetName, func(set *sms.ConfigurationSet) error {
		i, err := destinationNamed(set, in.EventDestinationName)
		if err != nil {
			return err
		}
		deleted = set.Destinations[i]
		set.Destinations = slices.Delete(slices.Clone(set.Destinations), i, i+1)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &wire.DeleteEventDestinationResult{
		ConfigurationSetArn: new(c.arn(sms.TypeConfigurationSet, set)), ConfigurationSetName: &set,
		EventDestination: new(wireDestination(deleted)),
	}, nil
}

func wireDestination(d sms.EventDestination) wire.EventDestination {
	out := wire.EventDestination{EventDestinationName: d.Name, Enabled: d.Enabled, MatchingEventTypes: d.EventTypes}
	if l := d.CloudWatchLogs; l != nil {
		out.CloudWatchLogsDestination = &wire.CloudWatchLogsDestination{IamRoleArn: l.RoleARN, LogGroupArn: l.LogGroupARN}
	}
	if f := d.Firehose; f != nil {
		out.KinesisFirehoseDestination = &wire.KinesisFirehoseDestination{IamRoleArn: f.RoleARN, DeliveryStreamArn: f.DeliveryStreamARN}
	}
	if s := d.SNS; s != nil {
		out.SnsDestination = &wire.SnsDestination{TopicArn: s.TopicARN}
	}
	return out
}

// wireDestinations lists destinations in the order they were created. It is never
// nil.
func wireDestinations(list []sms.EventDestination) []wire.EventDestination {
	out := make([]wire.EventDestination, len(list))
	for i, d := range list {
		out[i] = wireDestination(d)
	}
	return out
}

func (a *API) eventDestinationOperations() []operation {
	one := func(c *Call, nameOrARN string) []string {
		return []string{namedARN(c, sms.TypeConfigurationSet, nameOrARN)}
	}
	return []operation{
		{"CreateEventDestination", handle(a.createEventDestination), "sms-voice:CreateEventDestination",
			on(func(c *Call, in *wire.CreateEventDestinationRequest) []string { return one(c, in.ConfigurationSetName) })},
		{"UpdateEventDestination", handle(a.updateEventDestination), "sms-voice:UpdateEventDestination",
			on(func(c *Call, in *wire.UpdateEventDestinationRequest) []string { return one(c, in.ConfigurationSetName) })},
		{"DeleteEventDestination", handle(a.deleteEventDestination), "sms-voice:DeleteEventDestination",
			on(func(c *Call, in *wire.DeleteEventDestinationRequest) []string { return one(c, in.ConfigurationSetName) })},
	}
}
