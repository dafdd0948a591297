package sns

import (
	"cmp"
	"crypto"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"heliograph/internal/destination"
	"heliograph/internal/sms"
)

// verify checks the signature of a document by what Amazon SNS's developer guide says
// alone: with the certificate that it names.
func verify(t *testing.T, body string) map[string]any {
	t.Helper()
	var of map[string]any
	if err := json.Unmarshal([]byte(body), &of); err != nil {
		t.Fatalf("%v in %s", err, body)
	}
	text := func(name string) string { s, _ := of[name].(string); return s }
	names := "Message MessageId Subject Timestamp TopicArn Type"
	if text("Type") == "SubscriptionConfirmation" {
		names = "Message MessageId SubscribeURL Timestamp Token TopicArn Type"
	}
	signed := ""
	for _, name := range strings.Fields(names) {
		if _, there := of[name]; there {
			signed += name + "\n" + text(name) + "\n"
		}
	}
	response, err := http.Get(text("SigningCertURL"))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	served, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s %v", text("SigningCertURL"), response.Status, err)
	}
	block, _ := pem.Decode(served)
	if block == nil {
		t.Fatalf("no certificate in %s", served)
	}
	certificate, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	signature, err := base64.StdEncoding.DecodeString(text("Signature"))
	if err != nil {
		t.Fatal(err)
	}
	key := certificate.PublicKey.(*rsa.PublicKey)
	switch text("SignatureVersion") {
	case "2":
		sum := sha256.Sum256([]byte(signed))
		err = rsa.VerifyPKCS1v15(key, crypto.SHA256, sum[:], signature)
	case "1":
		sum := sha1.Sum([]byte(signed))
		err = rsa.VerifyPKCS1v15(key, crypto.SHA1, sum[:], signature)
	default:
		t.Fatalf("signature version %q", text("SignatureVersion"))
	}
	if err != nil {
		t.Errorf("the signature is wrong: %v\n%s", err, body)
	}
	return of
}

func TestHandshakeAndNotification(t *testing.T) {
	r, h := newRig(t), newHook(t)
	r.topic()
	arn := r.confirmed("http", h.URL+"/hook?a=b")
	r.eventually("the end of the handshake", func() bool { return len(h.take(kindConfirmation)) == 1 })
	asked := h.take(kindConfirmation)
	if of := verify(t, asked[0].body); of["Token"] == "" || of["TopicArn"] != topicARN || asked[0].header.Get("x-amz-sns-topic-arn") != topicARN ||
		of["MessageId"] != asked[0].header.Get("x-amz-sns-message-id") || of["UnsubscribeURL"] != nil {
		t.Errorf("%v", asked[0])
	}
	id := r.publish("a <text> & \"more\"\n日本", "Subject", "About this", "MessageAttributes.entry.1.Name", "kind",
		"MessageAttributes.entry.1.Value.DataType", "String", "MessageAttributes.entry.1.Value.StringValue", "x")
	r.eventually("the notification", func() bool { return len(h.take(kindNotification)) > 0 })
	n := h.take(kindNotification)[0]
	of := verify(t, n.body)
	if of["Message"] != "a <text> & \"more\"\n日本" || of["Subject"] != "About this" || of["MessageId"] != id || of["Type"] != "Notification" ||
		of["SignatureVersion"] != "2" || of["TopicArn"] != topicARN {
		t.Errorf("%s", n.body)
	}
	if fmt.Sprint(of["MessageAttributes"]) != "map[kind:map[Type:String Value:x]]" {
		t.Errorf("attributes %v", of["MessageAttributes"])
	}
	for name, want := range map[string]string{"x-amz-sns-message-id": id, "x-amz-sns-topic-arn": topicARN, "x-amz-sns-subscription-arn": arn,
		"x-amz-sns-rawdelivery": "", "Content-Type": "text/plain; charset=UTF-8"} {
		if got := n.header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if _, err := time.Parse("2006-01-02T15:04:05.000Z", of["Timestamp"].(string)); err != nil {
		t.Error(err)
	}

	// Version 1 where the topic says so.
	r.must("SetTopicAttributes", "TopicArn", topicARN, "AttributeName", "SignatureVersion", "AttributeValue", "1")
	r.publish("again")
	r.eventually("the second notification", func() bool { return len(h.take(kindNotification)) > 1 })
	if of := verify(t, h.take(kindNotification)[1].body); of["SignatureVersion"] != "1" || of["Subject"] != nil {
		t.Errorf("%v", of)
	}

	response, err := http.Get(of["UnsubscribeURL"].(string))
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatal(response, err)
	}
	response.Body.Close()
	if listed := r.must("ListSubscriptions"); strings.Contains(listed, "member") {
		t.Errorf("still there: %s", listed)
	}
}

func TestRawAndStructuredDelivery(t *testing.T) {
	r, h := newRig(t), newHook(t)
	r.topic()
	r.confirmed("http", h.URL, "Attributes.entry.1.key", "RawMessageDelivery", "Attributes.entry.1.value", "true")
	r.publish(`{"default":"for all","http":"for hooks","sms":"for phones"}`, "MessageStructure", "json")
	r.publish(`{"default":"for all","https":"for others"}`, "MessageStructure", "json")
	r.eventually("both", func() bool { return len(h.take(kindNotification)) == 2 })
	got := map[string]bool{}
	for _, n := range h.take(kindNotification) {
		got[n.body] = true
		if n.header.Get("x-amz-sns-rawdelivery") != "true" {
			t.Error("no header of raw delivery")
		}
	}
	if !got["for hooks"] || !got["for all"] {
		t.Errorf("%v", got)
	}
}

// TestDownForAWhile: whatever was published while a subscriber was down comes when it
// is up again, once, and in the meantime others get theirs.
func TestDownForAWhile(t *testing.T) {
	r, h, beside := newRig(t), newHook(t), newHook(t)
	r.topic()
	r.confirmed("http", h.URL)
	r.confirmed("http", beside.URL)
	var down atomic.Bool
	var tried atomic.Int64
	h.answers(func(received) int {
		if down.Load() {
			tried.Add(1)
			return http.StatusServiceUnavailable
		}
		return http.StatusOK
	})
	want := map[string]bool{}
	publish := func(n int) {
		for i := range n {
			want[r.publish(fmt.Sprintf("message %d of %d", i, n))] = true
		}
	}
	publish(5)
	r.eventually("the first five", func() bool { return len(h.take(kindNotification)) == 5 })
	down.Store(true)
	publish(60)
	r.eventually("tries while it is down", func() bool { return tried.Load() > 8 })
	r.eventually("the other subscriber's", func() bool { return len(beside.take(kindNotification)) == 65 })
	down.Store(false)
	publish(7)
	r.eventually("all of them", func() bool { return len(h.take(kindNotification)) >= 72 })
	for _, of := range []*hook{h, beside} {
		got := map[string]int{}
		for _, n := range of.take(kindNotification) {
			got[n.header.Get("x-amz-sns-message-id")]++
		}
		for id := range want {
			if got[id] != 1 {
				t.Errorf("%s came %d times", id, got[id])
			}
		}
		if len(got) != len(want) {
			t.Errorf("%d of %d", len(got), len(want))
		}
	}
}

// TestOrder: what one handset wrote comes in its order, however long each takes.
func TestOrder(t *testing.T) {
	r, h := newRig(t), newHook(t)
	r.topic()
	r.confirmed("http", h.URL, "Attributes.entry.1.key", "RawMessageDelivery", "Attributes.entry.1.value", "true")
	var took atomic.Int64
	h.answers(func(received) int {
		time.Sleep(time.Duration(30-10*(took.Add(1)%4)) * time.Millisecond)
		return http.StatusOK
	})
	parameters := []string{"TopicArn", topicARN}
	for i := range 10 {
		at := fmt.Sprintf("PublishBatchRequestEntries.member.%d.", i+1)
		parameters = append(parameters, at+"Id", fmt.Sprint(i), at+"Message", fmt.Sprintf(`{"originationNumber":"+1206555019%d","n":%d}`, i%2, i))
	}
	r.must("PublishBatch", parameters...)
	r.eventually("all", func() bool { return len(h.take(kindNotification)) == 10 })
	last := map[string]int{}
	for _, n := range h.take(kindNotification) {
		var of struct {
			OriginationNumber string
			N                 int
		}
		if err := json.Unmarshal([]byte(n.body), &of); err != nil {
			t.Fatal(err)
		}
		if of.N < last[of.OriginationNumber] {
			t.Errorf("%d came after %d", of.N, last[of.OriginationNumber])
		}
		last[of.OriginationNumber] = of.N
	}
}

// TestOrderAfterFailures: what one handset wrote comes in its order when some of it fails
// at first, and what others wrote is not held up.
func TestOrderAfterFailures(t *testing.T) {
	r, h := newRig(t), newHook(t)
	r.topic()
	r.confirmed("http", h.URL, "Attributes.entry.1.key", "RawMessageDelivery", "Attributes.entry.1.value", "true")
	type written struct {
		OriginationNumber string
		N                 int
	}
	of := func(n received) (w written) {
		if err := json.Unmarshal([]byte(n.body), &w); err != nil {
			t.Error(err)
		}
		return w
	}
	var mu sync.Mutex
	failed := map[int]int{}
	h.answers(func(n received) int {
		mu.Lock()
		defer mu.Unlock()
		// The first, and others further on, fail at first; 8 for good.
		w := of(n)
		if failed[w.N]++; w.N%3 == 0 && failed[w.N] <= 2 {
			return http.StatusServiceUnavailable
		} else if w.N == 8 {
			return http.StatusBadRequest
		}
		return http.StatusOK
	})
	for _, begin := range []int{0, 10} {
		parameters := []string{"TopicArn", topicARN}
		for i := range 10 {
			at := fmt.Sprintf("PublishBatchRequestEntries.member.%d.", i+1)
			parameters = append(parameters, at+"Id", fmt.Sprint(i), at+"Message", fmt.Sprintf(`{"originationNumber":"+1206555019%d","n":%d}`, i%2, begin+i))
		}
		r.must("PublishBatch", parameters...)
	}
	r.eventually("all", func() bool { return len(h.take(kindNotification)) == 19 })
	last := map[string]int{}
	for _, n := range h.take(kindNotification) {
		w := of(n)
		if before, any := last[w.OriginationNumber]; any && w.N < before {
			t.Errorf("%d came after %d", w.N, before)
		}
		last[w.OriginationNumber] = w.N
	}
}

// TestOrderOfBatch: a batch is begun by the failures of the first about each subject.
func TestOrderOfBatch(t *testing.T) {
	p := &subscriber{struggles: map[place]*struggle{{0, 1}: {failures: 2}, {0, 4}: {failures: 1}, {0, 5}: {failures: 9}}}
	var batch []destination.Item
	for seq, from := range map[int64]string{1: "a", 2: "b", 3: "a", 4: "", 5: "b", 6: "a", 7: ""} {
		batch = append(batch, destination.Item{Seq: seq, JSON: fmt.Appendf(nil, `{"originationNumber":"%s"}`, from)})
	}
	slices.SortFunc(batch, func(a, b destination.Item) int { return cmp.Compare(a.Seq, b.Seq) })
	var got []int64
	for _, i := range p.order(batch) {
		got = append(got, batch[i].Seq)
	}
	if want := []int64{2, 5, 7, 4, 1, 3, 6}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

// TestSlowSubscriber: an endpoint that takes longer than a publication gets each message
// once all the same.
func TestSlowSubscriber(t *testing.T) {
	r, h := newRig(t), newHook(t)
	r.topic()
	r.confirmed("http", h.URL)
	var mu sync.Mutex
	got := map[string]int{}
	h.answers(func(n received) int {
		mu.Lock()
		got[n.header.Get("x-amz-sns-message-id")]++
		mu.Unlock()
		time.Sleep(1200 * time.Millisecond) // the router waits 500 ms
		return http.StatusNoContent
	})
	want := map[string]bool{}
	for i := range 3 {
		want[r.publish(fmt.Sprint("message ", i))] = true
	}
	r.eventually("all", func() bool {
		return r.deliveries("delivered") == 3
	})
	r.publish("one more")
	r.eventually("the last", func() bool { return len(h.take(kindNotification)) == 4 })
	mu.Lock()
	defer mu.Unlock()
	for id := range want {
		if got[id] != 1 {
			t.Errorf("%s was posted %d times", id, got[id])
		}
	}
}

func TestFilteredDelivery(t *testing.T) {
	r, h := newRig(t), newHook(t)
	r.topic()
	arn := r.confirmed("http", h.URL, "Attributes.entry.1.key", "FilterPolicy", "Attributes.entry.1.value", `{"kind":["wanted"]}`)
	of := func(kind string) []string {
		return []string{"MessageAttributes.entry.1.Name", "kind", "MessageAttributes.entry.1.Value.DataType", "String",
			"MessageAttributes.entry.1.Value.StringValue", kind}
	}
	r.publish("no")
	r.publish("no", of("other")...)
	first := r.publish("yes", of("wanted")...)
	r.eventually("what passes", func() bool { return len(h.take(kindNotification)) == 1 })
	r.must("SetSubscriptionAttributes", "SubscriptionArn", arn, "AttributeName", "FilterPolicyScope", "AttributeValue", "MessageBody")
	r.publish(`{"kind":"other"}`, of("wanted")...)
	second := r.publish(`{"kind":"wanted"}`)
	r.eventually("what passes by its body", func() bool { return len(h.take(kindNotification)) == 2 })
	r.must("SetSubscriptionAttributes", "SubscriptionArn", arn, "AttributeName", "FilterPolicy", "AttributeValue", "{}")
	third := r.publish("anything")
	r.eventually("what comes without a policy", func() bool { return len(h.take(kindNotification)) == 3 })
	for i, id := range []string{first, second, third} {
		if got := h.take(kindNotification)[i].header.Get("x-amz-sns-message-id"); got != id {
			t.Errorf("%d: %s, want %s", i, got, id)
		}
	}
}

func TestTextSubscription(t *testing.T) {
	r := newRig(t)
	r.topic()
	arn := between(r.must("Subscribe", "TopicArn", topicARN, "Protocol", "sms", "Endpoint", "12065550199"), "SubscriptionArn")
	r.refuse(sms.Throttled("later"))
	r.publish(`{"default":"for all","sms":"for phones"}`, "MessageStructure", "json", "MessageAttributes.entry.1.Name", smsType,
		"MessageAttributes.entry.1.Value.DataType", "String", "MessageAttributes.entry.1.Value.StringValue", "Promotional")
	time.Sleep(50 * time.Millisecond)
	r.refuse(nil)
	r.eventually("the text message", func() bool { return len(r.sent()) == 1 })
	if m := r.sent()[0]; m.Body != "for phones" || m.Destination != "+12065550199" || m.Type != sms.Promotional {
		t.Errorf("%+v", m)
	}
	// Whatever is delivered again is sent with the same key.
	p := r.subscribers.Publisher(account, arn[strings.LastIndexByte(arn, ':')+1:])
	for _, at := range []place{{1, 7}, {1, 7}, {2, 7}, {1, 8}} {
		if err := p.Publish(t.Context(), []destination.Item{{JSON: []byte("{}"), At: time.Now(), Slot: at.slot, Seq: at.seq}}); err != nil {
			t.Fatal(err)
		}
	}
	keys := map[string]bool{}
	for _, m := range r.sent() {
		keys[m.IdempotencyKey] = true
	}
	if len(r.sent()) != 5 || len(keys) != 4 || keys[""] {
		t.Errorf("%d text messages with the keys %v", len(r.sent()), keys)
	}
	r.refuse(sms.Invalid(sms.ReasonMaximumSizeExceeded, "MessageBody", "Too long."))
	r.publish("too long")
	r.eventually("the dead letter", func() bool {
		n, err := CountDeadLetters(t.Context(), r.engine, account, arn[strings.LastIndexByte(arn, ':')+1:], 10)
		return err == nil && n == 1
	})
}
