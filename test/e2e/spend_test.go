package e2e

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	api "github.com/aws/aws-sdk-go-v2/service/pinpointsmsvoicev2"
	"github.com/aws/aws-sdk-go-v2/service/pinpointsmsvoicev2/types"

	"heliograph/internal/sms"
)

const spendNumbers = `tier: production
recipient_interval: 0s
numbers:
  - {number: "+12065550100", country: US, type: TEN_DLC, capabilities: [SMS], carrier: sim, parts_per_second: 2000}
  - {number: "+447700900100", country: GB, type: LONG_CODE, capabilities: [SMS], carrier: sim, parts_per_second: 2000}
log: {level: warn}
`

// usageReport is what `heliograph usage report --output csv` tells: by usage type how
// many parts, or how much in millionths of a US dollar.
func (s *server) usageReport() (parts int64, cost sms.Money, types map[string]string) {
	s.t.Helper()
	rows, err := csv.NewReader(strings.NewReader(s.run("usage", "report", "--output", "csv"))).ReadAll()
	if err != nil || len(rows) == 0 || strings.Join(rows[0], ",") != "month,account,usage_type,quantity,unit" {
		s.t.Fatalf("usage report: %v, %v", rows, err)
	}
	types = map[string]string{}
	for _, row := range rows[1:] {
		types[row[2]] = row[3]
		switch {
		case strings.HasSuffix(row[2], "-MessageCount"):
			n, err := strconv.ParseInt(row[3], 10, 64)
			if err != nil || row[4] != "parts" {
				s.t.Errorf("%v: %v", row, err)
			}
			parts += n
		case row[4] == "USD":
			amount, err := sms.ParseMoney(row[3])
			if err != nil {
				s.t.Errorf("%v: %v", row, err)
			}
			cost += amount
		}
	}
	return parts, cost, types
}

// TestSpendAddsUp has two hundred senders spend 5.00 USD at once. What the metric, the
// usage report, the events and the parts that left tell is the same to the last part, and
// no more than the limit.
func TestSpendAddsUp(t *testing.T) {
	t.Parallel()
	s := start(t, spendNumbers)
	c := s.client()
	for _, number := range []string{"+12065550100", "+447700900100"} {
		s.run("numbers", "assign", number)
		s.run("numbers", "activate", number)
	}
	loggingSet(t, c, "Everything")
	s.run("limits", "set", "text_monthly_spend_usd", "5")

	const senders = 200
	const limit = 5 * sms.USD
	var mu sync.Mutex
	accepted := map[string]bool{}
	var wg sync.WaitGroup
	for i := range senders {
		wg.Go(func() {
			for n := 0; ; n++ {
				to := fmt.Sprintf("+1206555%04d", i)
				if (i+n)%7 == 0 {
					to = fmt.Sprintf("+44770091%04d", i)
				}
				out, err := c.SendTextMessage(t.Context(), &api.SendTextMessageInput{DestinationPhoneNumber: &to, ConfigurationSetName: aws.String("Everything"),
					MessageBody: aws.String(strings.Repeat("a", 100+153*((i+n)%3)))})
				if err != nil {
					if r := refusalOf(t, err); r.Reason != string(types.ServiceQuotaExceededExceptionReasonMonthlySpendLimitReachedForText) {
						t.Error(err)
					}
					return
				}
				mu.Lock()
				accepted[aws.ToString(out.MessageId)] = true
				mu.Unlock()
			}
		})
	}
	wg.Wait()

	var queued, parts int
	var cost sms.Money
	for _, e := range s.untilFinal(len(accepted)) {
		if e.Type != "TEXT_QUEUED" {
			continue
		}
		if !accepted[e.MessageID] {
			t.Errorf("message %s was not accepted, and is queued", e.MessageID)
		}
		queued++
		parts += e.Parts
		cost += sms.Money(math.Round((e.Price + e.Fee) * float64(sms.USD)))
	}
	if queued != len(accepted) || cost > limit || limit-cost >= 50_000 {
		t.Errorf("%d messages were accepted, %d queued, for %s USD of %s", len(accepted), queued, cost, sms.Money(limit))
	}
	reportedParts, reported, usageTypes := s.usageReport()
	if reportedParts != int64(parts) || reported != cost {
		t.Errorf("the events tell of %d parts for %s USD, the usage report of %d for %s", parts, cost, reportedParts, reported)
	}
	for _, want := range []string{"USE1-OutboundSMS-US-Standard-10DLC-MessageCount", "USE1-OutboundSMS-US-Standard-10DLC-MessageFees",
		"USE1-OutboundSMS-US-Standard-10DLC-CarrierFeeCount", "USE1-OutboundSMS-US-Standard-10DLC-CarrierFees",
		"USE1-OutboundSMS-GB-Standard-Longcode-MessageCount", "USE1-OutboundSMS-GB-Standard-Longcode-MessageFees"} {
		if usageTypes[want] == "" {
			t.Errorf("%s is not in the usage report", want)
		}
	}
	if len(usageTypes) != 6 {
		t.Errorf("usage types %v", usageTypes)
	}
	if told := sms.Money(math.Round(s.metric("heliograph_text_message_monthly_spend_usd") * float64(sms.USD))); told != cost {
		t.Errorf("the events tell of %s USD, the metric of %s", cost, told)
	}
	r := s.reconcile(0)
	if r.Parts.Billed != int64(parts) || r.PartsOnTheWire != int64(parts) || len(r.Spend) != 1 || r.Spend[0].Ledger != cost.String() || r.Spend[0].Parts != int64(parts) {
		t.Errorf("%d parts for %s USD; reconciled: %+v, %d on the wire, %+v", parts, cost, r.Parts, r.PartsOnTheWire, r.Spend)
	}
}

// TestPrices changes prices while the server runs.
func TestPrices(t *testing.T) {
	t.Parallel()
	s := start(t, spendNumbers)
	c := s.client()
	s.run("numbers", "assign", "+12065550100")
	s.run("numbers", "activate", "+12065550100")
	loggingSet(t, c, "Everything")
	n := 0
	costs := func(want float64) {
		t.Helper()
		send(t, c, &api.SendTextMessageInput{DestinationPhoneNumber: aws.String("+12065550199"), ConfigurationSetName: aws.String("Everything"), MessageBody: aws.String("hello")})
		n++
		all := s.untilFinal(n)
		if last := all[len(all)-1]; last.Price != want {
			t.Errorf("the message costs %v, want %v", last.Price, want)
		}
	}
	costs(0.00645)
	day := func(days int) string { return time.Now().UTC().AddDate(0, 0, days).Format(time.DateOnly) }
	book := "country,route,price_per_part,carrier_fee,from\n*,*,0.5,0,\nUS,*,0.25,0," + day(-1) + "\nUS,*,9,0," + day(2) + "\n"
	if out := s.run("prices", "import", s.file("book.csv", book)); out != "3 prices are in force\n" {
		t.Errorf("%q", out)
	}
	costs(0.25)
	_, errOut, err := s.try("prices", "import", s.file("wrong.csv", book+"US,TEN_DLC,free,0,\n"))
	if exitCode(err) != 1 || !strings.Contains(errOut, "line 5, price_per_part") {
		t.Errorf("a book that cannot be used: %v, %s", err, errOut)
	}
	if out := s.run("prices", "show", "--country", "gb"); len(strings.Split(out, "\n")) != 3 || !strings.Contains(out, "0.50") {
		t.Errorf("prices of Britain:\n%s", out)
	}
	s.stop()
	s.launch()
	c = s.client()
	costs(0.25)
	s.run("prices", "clear")
	costs(0.00645)
}

// TestIdempotencyKey sends with the header, as a client does that had no answer.
func TestIdempotencyKey(t *testing.T) {
	t.Parallel()
	s := start(t, spendNumbers)
	s.run("numbers", "assign", "+12065550100")
	s.run("numbers", "activate", "+12065550100")
	accessKey, secret := s.keys()
	type answer struct {
		MessageId, Reason string
		status            int
	}
	send := func(key, body string) (a answer) {
		text := []byte(`{"DestinationPhoneNumber":"+12065550199","MessageBody":"` + body + `"}`)
		request, err := http.NewRequest(http.MethodPost, s.url+"/", bytes.NewReader(text))
		if err != nil {
			t.Error(err)
			return
		}
		request.Header.Set("Content-Type", "application/x-amz-json-1.0")
		request.Header.Set("X-Amz-Target", "PinpointSMSVoiceV2.SendTextMessage")
		request.Header.Set("Idempotency-Key", key)
		sum := sha256.Sum256(text)
		if err := v4.NewSigner().SignHTTP(context.Background(), aws.Credentials{AccessKeyID: accessKey, SecretAccessKey: secret}, request,
			hex.EncodeToString(sum[:]), "sms-voice", region, time.Now()); err != nil {
			t.Error(err)
			return
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Error(err)
			return
		}
		defer response.Body.Close()
		out, err := io.ReadAll(response.Body)
		if err == nil {
			err = json.Unmarshal(out, &a)
		}
		if err != nil {
			t.Error(err)
		}
		a.status = response.StatusCode
		return a
	}
	first := send("order-17", "hello")
	if first.status != http.StatusOK || first.MessageId == "" {
		t.Fatalf("%+v", first)
	}
	s.kill()
	s.launch()
	if again := send("order-17", "hello"); again != first {
		t.Errorf("%+v, want %+v", again, first)
	}
	if other := send("order-17", "good bye"); other.status != http.StatusBadRequest || other.Reason != "RESOURCE_ALREADY_EXISTS" {
		t.Errorf("%+v", other)
	}
	answers := make([]answer, 40)
	var wg sync.WaitGroup
	for i := range answers {
		wg.Go(func() { answers[i] = send("order-18", "hello") })
	}
	wg.Wait()
	for _, a := range answers {
		if a != answers[0] || a.status != http.StatusOK || a.MessageId == first.MessageId {
			t.Errorf("%+v, want %+v", a, answers[0])
		}
	}
	if parts, _, _ := s.usageReport(); parts != 2 {
		t.Errorf("%d parts were billed", parts)
	}
}
