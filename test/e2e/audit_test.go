package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	api "github.com/aws/aws-sdk-go-v2/service/pinpointsmsvoicev2"
	"github.com/aws/aws-sdk-go-v2/service/pinpointsmsvoicev2/types"
)

// auditRecord is what tests read of a record.
type auditRecord struct {
	Name      string         `json:"eventName"`
	Source    string         `json:"eventSource"`
	ErrorCode string         `json:"errorCode"`
	RequestID string         `json:"requestID"`
	ReadOnly  bool           `json:"readOnly"`
	Params    map[string]any `json:"requestParameters"`
	Identity  struct {
		Type string `json:"type"`
	} `json:"userIdentity"`
}

// audited reads the records of the audit log by the command.
func (s *server) audited() (all []auditRecord) {
	s.t.Helper()
	for line := range strings.Lines(s.run("audit", "show")) {
		var r auditRecord
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			s.t.Fatalf("%v in %s", err, line)
		}
		all = append(all, r)
	}
	return all
}

// TestAuditSurvivesKills kills the program again and again while clients make and delete
// resources: each change that was answered is in the audit log, and its chain holds.
func TestAuditSurvivesKills(t *testing.T) {
	t.Parallel()
	s := start(t, "limits: {configuration_sets: 100000}\naudit: {file_bytes: 65536}\n")
	answered := map[string]bool{}
	for round := range 4 {
		ctx, cancel := context.WithCancel(t.Context())
		var clients sync.WaitGroup
		var mu sync.Mutex
		done := 0
		for n := range 8 {
			client := s.client()
			clients.Go(func() {
				for i := 0; ctx.Err() == nil; i++ {
					name := fmt.Sprintf("set-%d-%d-%d", round, n, i)
					_, err := client.CreateConfigurationSet(ctx, &api.CreateConfigurationSetInput{ConfigurationSetName: &name})
					if err != nil {
						return // the program is gone
					}
					client.DescribeConfigurationSets(ctx, &api.DescribeConfigurationSetsInput{ConfigurationSetNames: []string{name}})
					mu.Lock()
					answered[name] = true
					done++
					mu.Unlock()
				}
			})
		}
		eventually(t, "calls are answered", func() bool {
			mu.Lock()
			defer mu.Unlock()
			return done >= 50
		})
		s.kill()
		cancel()
		clients.Wait()
		s.launch()
	}
	for _, r := range s.audited() {
		if r.Name == "CreateConfigurationSet" && r.ErrorCode == "" {
			delete(answered, r.Params["ConfigurationSetName"].(string))
		}
	}
	if len(answered) > 0 {
		t.Errorf("%d changes that were answered are not recorded: %v", len(answered), answered)
	}
	if out := s.run("audit", "verify"); !strings.Contains(out, "the audit log is whole") {
		t.Errorf("verify says %s", out)
	}
	s.stop()
	s.run("audit", "verify")
	files, err := filepath.Glob(filepath.Join(s.dir, "data", "audit", "audit-*.jsonl"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%v %v", files, err)
	}
	text, err := os.ReadFile(files[len(files)-1])
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(files[len(files)-1], bytes.Replace(text, []byte(`"Root"`), []byte(`"Boot"`), 1), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, errOut, err := s.try("audit", "verify"); err == nil || !strings.Contains(errOut, "line") {
		t.Errorf("a changed log: %v, %s", err, errOut)
	}
}

// TestAuditHasNoSecrets: what is sent is not recorded, what else is said about texts and
// codes is hidden, and what fails is recorded with its error.
func TestAuditHasNoSecrets(t *testing.T) {
	t.Parallel()
	s := start(t, "")
	client := s.client()
	number := must(client.RequestPhoneNumber(t.Context(), &api.RequestPhoneNumberInput{IsoCountryCode: aws.String("US"), MessageType: types.MessageTypeTransactional,
		NumberCapabilities: []types.NumberCapability{types.NumberCapabilitySms}, NumberType: types.RequestableNumberTypeSimulator}))(t)
	must(client.SendTextMessage(t.Context(), &api.SendTextMessageInput{DestinationPhoneNumber: aws.String(successUS), OriginationIdentity: number.PhoneNumberId,
		MessageBody: aws.String("unspeakable words")}))(t)
	must(client.PutKeyword(t.Context(), &api.PutKeywordInput{OriginationIdentity: number.PhoneNumberId, Keyword: aws.String("MORE"), KeywordMessage: aws.String("unspeakable answer")}))(t)
	if _, err := client.DeletePool(t.Context(), &api.DeletePoolInput{PoolId: aws.String("pool-none")}); err == nil {
		t.Error("a pool is deleted that is not there")
	}
	s.run("numbers", "list")
	wanted := map[string]string{"RequestPhoneNumber": "", "PutKeyword": "", "DeletePool": "ResourceNotFoundException", "ListNumbers": ""}
	var records []auditRecord
	eventually(t, "records are written", func() bool { records = s.audited(); return len(records) >= len(wanted) })
	for _, r := range records {
		code, ok := wanted[r.Name]
		if !ok || code != r.ErrorCode || r.Identity.Type != "Root" || r.RequestID == "" {
			t.Errorf("%+v", r)
		}
		if delete(wanted, r.Name); r.Name == "ListNumbers" && (r.Source != "heliograph.admin" || !r.ReadOnly) {
			t.Errorf("%+v", r)
		}
	}
	if len(wanted) > 0 {
		t.Errorf("not recorded: %v", wanted)
	}
	_, secret := s.keys()
	text := s.run("audit", "show")
	for _, hidden := range []string{"unspeakable", secret} {
		if strings.Contains(text, hidden) {
			t.Errorf("%q is in the audit log:\n%s", hidden, text)
		}
	}
}

// While the audit log cannot be written, changes are refused and the rest goes on.
func TestAuditThatFails(t *testing.T) {
	t.Parallel()
	s := start(t, "")
	client := s.client()
	if out := s.metric("heliograph_audit_failures_total"); out != 0 {
		t.Errorf("%v failures", out)
	}
	must(client.CreateConfigurationSet(t.Context(), &api.CreateConfigurationSetInput{ConfigurationSetName: aws.String("a")}))(t)
	if err := os.RemoveAll(filepath.Join(s.dir, "data", "audit")); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the failure is seen", func() bool {
		client.CreateConfigurationSet(t.Context(), &api.CreateConfigurationSetInput{ConfigurationSetName: aws.String(fmt.Sprint("b-", time.Now().UnixNano()))})
		return s.metric("heliograph_audit_failures_total") > 0
	})
	if _, err := client.CreateConfigurationSet(t.Context(), &api.CreateConfigurationSetInput{ConfigurationSetName: aws.String("c")}); err == nil {
		t.Error("a change is answered that is not recorded")
	}
	must(client.DescribeConfigurationSets(t.Context(), &api.DescribeConfigurationSetsInput{}))(t)
}
