package accept

import (
	"strings"
	"testing"
	"time"

	"heliograph/internal/resources"
	"heliograph/internal/sms"
)

// refusal as a client sees it.
type refused struct {
	kind   sms.ErrorKind
	reason sms.Reason
	about  string // field, or type of the resource
}

func (w refused) check(t *testing.T, id string, err error) {
	t.Helper()
	e, ok := sms.AsError(err)
	if !ok || id != "" {
		t.Errorf("answered %q, %v; want %v", id, err, w)
		return
	}
	got := refused{e.Kind, e.Reason, string(e.ResourceType)}
	if len(e.Fields) > 0 {
		got.about = e.Fields[0].Name
	}
	if got != w {
		t.Errorf("%v; got %v, want %v", err, got, w)
	}
	if e.Message == "" || e.Message[0] < 'A' || e.Message[0] > 'Z' || !strings.HasSuffix(e.Message, ".") {
		t.Errorf("%q is no sentence", e.Message)
	}
}

func invalid(r sms.Reason, field string) refused { return refused{sms.KindValidation, r, field} }
func conflict(r sms.Reason, t sms.ResourceType) refused {
	return refused{sms.KindConflict, r, string(t)}
}
func notFound(t sms.ResourceType) refused { return refused{sms.KindNotFound, "", string(t)} }

const identityField = "OriginationIdentity"

func TestRefusals(t *testing.T) {
	d := newDesk(t, nil)
	badIdentity := invalid(sms.ReasonInvalidARN, identityField)
	otherCountry := invalid(sms.ReasonInvalidIdentityForCountry, identityField)
	for name, c := range map[string]struct {
		request Request
		want    refused
	}{
		"no body": {Request{Destination: inUS}, invalid(sms.ReasonMissingParameter, "MessageBody")},

		"a destination of letters":              {Request{Destination: "hello"}, invalid(sms.ReasonCannotParse, "DestinationPhoneNumber")},
		"a destination that is too short":       {Request{Destination: "+12065"}, invalid(sms.ReasonCannotParse, "DestinationPhoneNumber")},
		"a destination of no country":           {Request{Destination: "+9995551234567"}, invalid(sms.ReasonCannotParse, "DestinationPhoneNumber")},
		"a country that is not served":          {Request{Destination: inCuba}, invalid(sms.ReasonDestinationCountryBlocked, "DestinationPhoneNumber")},
		"an international number of no country": {Request{Destination: "+80012345678"}, invalid(sms.ReasonDestinationCountryBlocked, "DestinationPhoneNumber")},

		"an unknown configuration set":           {Request{ConfigurationSet: "nobody"}, notFound(sms.TypeConfigurationSet)},
		"an unknown configuration set, by ARN":   {Request{ConfigurationSet: arn("configuration-set/nobody")}, notFound(sms.TypeConfigurationSet)},
		"a configuration set of another":         {Request{ConfigurationSet: "arn:aws:sms-voice:us-east-1:444455556666:configuration-set/plain"}, notFound(sms.TypeConfigurationSet)},
		"a configuration set that is a pool":     {Request{ConfigurationSet: arn("pool/" + poolGermany)}, invalid(sms.ReasonInvalidARN, "ConfigurationSetName")},
		"a configuration set elsewhere":          {Request{ConfigurationSet: "arn:aws:sms-voice:eu-west-1:" + customer + ":configuration-set/plain"}, invalid(sms.ReasonInvalidARN, "ConfigurationSetName")},
		"a configuration set of another cloud":   {Request{ConfigurationSet: "arn:aws-cn:sms-voice:us-east-1:" + customer + ":configuration-set/plain"}, invalid(sms.ReasonInvalidARN, "ConfigurationSetName")},
		"a configuration set, unreadable":        {Request{ConfigurationSet: "arn:aws:sms-voice"}, invalid(sms.ReasonInvalidARN, "ConfigurationSetName")},
		"a configuration set of another service": {Request{ConfigurationSet: "arn:aws:ses:us-east-1:" + customer + ":configuration-set/plain"}, invalid(sms.ReasonInvalidARN, "ConfigurationSetName")},

		"an unknown number":               {Request{OriginationIdentity: "+12065550177"}, notFound(sms.TypePhoneNumber)},
		"an unknown number id":            {Request{OriginationIdentity: "phone-0123456789abcdef"}, notFound(sms.TypePhoneNumber)},
		"an unknown number, by ARN":       {Request{OriginationIdentity: arn("phone-number/phone-0123456789abcdef")}, notFound(sms.TypePhoneNumber)},
		"a number where the id belongs":   {Request{OriginationIdentity: arn("phone-number/+12065550100")}, notFound(sms.TypePhoneNumber)},
		"an unknown pool":                 {Request{OriginationIdentity: "pool-0123456789abcdef"}, notFound(sms.TypePool)},
		"an unknown pool, by ARN":         {Request{OriginationIdentity: arn("pool/pool-0123456789abcdef")}, notFound(sms.TypePool)},
		"a pool of another account":       {Request{OriginationIdentity: "arn:aws:sms-voice:us-east-1:444455556666:pool/" + poolGermany}, notFound(sms.TypePool)},
		"an unknown sender ID, by ARN":    {Request{OriginationIdentity: arn("sender-id/OTHER/GB"), Destination: inBritain}, notFound(sms.TypeSenderID)},
		"a sender ID ARN without country": {Request{OriginationIdentity: arn("sender-id/VERYLONGNAME"), Destination: inBritain}, notFound(sms.TypeSenderID)},
		"a name too long for a sender ID": {Request{OriginationIdentity: "nonexistent-resource"}, notFound(sms.TypeSenderID)},
		"the id of a registration":        {Request{OriginationIdentity: "registration-0123456789abcdef"}, badIdentity},
		"the id of a protect":             {Request{OriginationIdentity: "protect-0123456789abcdef"}, badIdentity},
		"the ARN of a configuration set":  {Request{OriginationIdentity: arn("configuration-set/plain")}, badIdentity},
		"an ARN elsewhere":                {Request{OriginationIdentity: "arn:aws:sms-voice:eu-west-1:" + customer + ":pool/" + poolGermany}, badIdentity},
		"an unreadable ARN":               {Request{OriginationIdentity: "arn:aws:sms-voice:us-east-1"}, badIdentity},
		"a sender ID and its country":     {Request{OriginationIdentity: "HELIO/GB", Destination: inBritain}, badIdentity},
		"something with colons":           {Request{OriginationIdentity: "pool:1"}, badIdentity},
		"a sender ID without a letter":    {Request{OriginationIdentity: "-_-", Destination: inBritain}, invalid(sms.ReasonInvalidParameter, identityField)},
		"a sender ID with a plus sign":    {Request{OriginationIdentity: "A+B", Destination: inUS}, invalid(sms.ReasonInvalidParameter, identityField)},

		"a number of another country":                {Request{OriginationIdentity: numberGB}, otherCountry},
		"a sender ID of another country, by ARN":     {Request{OriginationIdentity: arn("sender-id/HELIO/GB"), Destination: inGermany}, otherCountry},
		"a simulator number to a person":             {Request{OriginationIdentity: numberSim}, otherCountry},
		"a simulator number to another's simulator":  {Request{OriginationIdentity: numberSim, Destination: simulatorGB}, otherCountry},
		"a number without SMS":                       {Request{OriginationIdentity: numberVoice, Destination: inBritain}, conflict(sms.ReasonNumberCapabilitiesMismatch, sms.TypePhoneNumber)},
		"a PENDING number":                           {Request{OriginationIdentity: numberPending}, conflict(sms.ReasonResourceNotActive, sms.TypePhoneNumber)},
		"a pool that is being deleted":               {Request{OriginationIdentity: poolClosing, Destination: inGermany}, conflict(sms.ReasonResourceNotActive, sms.TypePool)},
		"a pool that does not reach the country":     {Request{OriginationIdentity: poolGermany}, conflict(sms.ReasonNoOriginationIdentitiesFound, "")},
		"no identity, and none asked for":            {Request{Destination: inChina}, conflict(sms.ReasonNoOriginationIdentitiesFound, "")},
		"no identity reaches the country":            {Request{Destination: inChina, OriginationIdentity: "BRAND"}, conflict(sms.ReasonNoOriginationIdentitiesFound, "")},
		"an unknown protect configuration":           {Request{ProtectConfiguration: "protect-0123456789abcdef"}, notFound(sms.TypeProtectConfiguration)},
		"an unknown protect configuration, by name":  {Request{ProtectConfiguration: "nonexistent-resource"}, notFound(sms.TypeProtectConfiguration)},
		"an unknown protect configuration, by ARN":   {Request{ProtectConfiguration: arn("protect-configuration/protect-1")}, notFound(sms.TypeProtectConfiguration)},
		"a protect configuration that is a pool":     {Request{ProtectConfiguration: poolGermany}, invalid(sms.ReasonInvalidARN, "ProtectConfigurationId")},
		"a protect configuration ARN that is a pool": {Request{ProtectConfiguration: arn("pool/" + poolGermany)}, invalid(sms.ReasonInvalidARN, "ProtectConfigurationId")},

		"1,600 GSM characters":            {Request{Body: strings.Repeat("a", 1600)}, invalid(sms.ReasonMaximumSizeExceeded, "MessageBody")},
		"1,531 GSM characters":            {Request{Body: strings.Repeat("a", 1531)}, invalid(sms.ReasonMaximumSizeExceeded, "MessageBody")},
		"766 characters of two septets":   {Request{Body: strings.Repeat("€", 766)}, invalid(sms.ReasonMaximumSizeExceeded, "MessageBody")},
		"631 characters that are not GSM": {Request{Body: strings.Repeat("я", 631)}, invalid(sms.ReasonMaximumSizeExceeded, "MessageBody")},
		"336 emoji":                       {Request{Body: strings.Repeat("😀", 336)}, invalid(sms.ReasonMaximumSizeExceeded, "MessageBody")},

		"a price in words":            {Request{MaxPrice: "cheap"}, invalid(sms.ReasonInvalidParameter, "MaxPrice")},
		"a price above MaxPrice":      {Request{MaxPrice: "0.00999"}, invalid(sms.ReasonPriceOverThreshold, "MaxPrice")},
		"two parts above MaxPrice":    {Request{MaxPrice: "0.01999", Body: strings.Repeat("a", 161)}, invalid(sms.ReasonPriceOverThreshold, "MaxPrice")},
		"above MaxPrice, checked dry": {Request{MaxPrice: ".00999", DryRun: true}, invalid(sms.ReasonPriceOverThreshold, "MaxPrice")},
	} {
		if c.request.Destination == "" {
			c.request.Destination = inUS
		}
		if c.request.Body == "" && name != "no body" {
			c.request.Body = "hello"
		}
		t.Run(name, func(t *testing.T) {
			id, err := d.send(c.request)
			c.want.check(t, id, err)
		})
	}
	d.isEmpty(t)
}

// Of everything that is wrong with a request the first check that fails answers.
// The request is mended one fault at a time, so each step has all the faults of
// the steps below it.
func TestOrderOfChecks(t *testing.T) {
	for _, dry := range []bool{false, true} {
		d := newDesk(t, nil)
		other := d.guards(t)
		d.optOut(t, sms.DefaultOptOutList, inUS)
		d.tier(t, resources.Sandbox)
		d.limit.Store(0)
		r := Request{MaxPrice: "cheap", Destination: "+12065", ConfigurationSet: arn("pool/x"), OriginationIdentity: arn("registration/x"),
			ProtectConfiguration: "protect-000000000000gone", TimeToLive: time.Minute, DryRun: dry}
		for i, step := range []struct {
			want refused
			mend func()
		}{
			// The shape.
			{invalid(sms.ReasonMissingParameter, "MessageBody"), func() { r.Body = strings.Repeat("a", 1600) }},
			{invalid(sms.ReasonInvalidParameter, "MaxPrice"), func() { r.MaxPrice = "0.00001" }},
			// The destination, then whether its country is served.
			{invalid(sms.ReasonCannotParse, "DestinationPhoneNumber"), func() { r.Destination = inCuba }},
			{invalid(sms.ReasonDestinationCountryBlocked, "DestinationPhoneNumber"), func() { r.Destination = inUS }},
			{invalid(sms.ReasonInvalidARN, "ConfigurationSetName"), func() { r.ConfigurationSet = "nobody" }},
			{notFound(sms.TypeConfigurationSet), func() { r.ConfigurationSet = "plain" }},
			// The identity, and whether it is active.
			{invalid(sms.ReasonInvalidARN, identityField), func() { r.OriginationIdentity = "+12065550177" }},
			{notFound(sms.TypePhoneNumber), func() { r.OriginationIdentity = numberGB }},
			{invalid(sms.ReasonInvalidIdentityForCountry, identityField), func() { r.OriginationIdentity = numberPending }},
			{conflict(sms.ReasonResourceNotActive, sms.TypePhoneNumber), func() { r.OriginationIdentity = poolGermany }},
			{conflict(sms.ReasonNoOriginationIdentitiesFound, ""), func() { r.OriginationIdentity = numberUS }},
			// Protect, opt-outs, sandbox, parts, prices.
			{notFound(sms.TypeProtectConfiguration), func() { r.ProtectConfiguration = other }},
			{conflict(sms.ReasonCountryBlockedByProtect, sms.TypeProtectConfiguration), func() { r.ProtectConfiguration = "" }},
			{optedOut, func() { d.optIn(t, sms.DefaultOptOutList, inUS) }},
			{conflict(sms.ReasonDestinationNotVerified, sms.TypeVerifiedNumber), func() { d.tier(t, resources.Production) }},
			{invalid(sms.ReasonMaximumSizeExceeded, "MessageBody"), func() { r.Body = strings.Repeat("a", 1530) }},
			{invalid(sms.ReasonPriceOverThreshold, "MaxPrice"), func() { r.MaxPrice = "0.10" }},
			{refused{sms.KindQuotaExceeded, sms.ReasonMonthlySpendLimitReachedForText, ""}, func() { d.limit.Store(int64(sms.USD)) }},
		} {
			id, err := d.send(r)
			step.want.check(t, id, err)
			if t.Failed() {
				t.Fatalf("step %d, dry run %v", i, dry)
			}
			step.mend()
		}
		d.isEmpty(t)
		if _, err := d.send(r); err != nil {
			t.Errorf("mended, dry run %v: %v", dry, err)
		}
		if _, err := d.send(r); dry {
			refused{kind: sms.KindThrottled}.check(t, "", err)
			d.isEmpty(t)
		} else if err != nil {
			t.Error(err)
		}
	}
}

// An unknown carrier is the operator's mistake, not the client's.
func TestCarrierThatIsNotConfigured(t *testing.T) {
	d := newDesk(t, nil)
	_, err := d.send(Request{Destination: inFrance, Body: "hello", OriginationIdentity: numberLost})
	if _, ok := sms.AsError(err); ok || err == nil || !strings.Contains(err.Error(), `"gone"`) || !strings.Contains(err.Error(), numberLost) || strings.Contains(err.Error(), "33600000001") {
		t.Errorf("%v", err)
	}
	d.isEmpty(t)
}

func TestSandbox(t *testing.T) {
	d := newDesk(t, nil)
	d.tier(t, resources.Sandbox)
	for _, r := range []Request{
		{Destination: simulatorUS, OriginationIdentity: numberSim},
		{Destination: simulatorUS, OriginationIdentity: numberUS},
		{Destination: simulatorUS},
		{Destination: simulatorGB},
		{Destination: simulatorGB, OriginationIdentity: "HELIO"},
	} {
		r.Body = "hello"
		if _, err := d.send(r); err != nil {
			t.Errorf("%+v: %v", r, err)
		}
	}
	for _, r := range []Request{{Destination: inUS}, {Destination: inBritain, OriginationIdentity: "HELIO"}, {Destination: inUS, DryRun: true}} {
		r.Body = "hello"
		id, err := d.send(r)
		conflict(sms.ReasonDestinationNotVerified, sms.TypeVerifiedNumber).check(t, id, err)
	}
}
