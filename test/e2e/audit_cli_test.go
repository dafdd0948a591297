//go:build python

package e2e

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// cloudtrail runs the AWS CLI's commands of CloudTrail.
func (s *server) cloudtrail(answer any, args ...string) {
	s.t.Helper()
	c := exec.Command("aws", append([]string{"--endpoint-url", s.url, "--output", "json", "cloudtrail"}, args...)...)
	c.Dir = s.dir
	c.Env = append(s.env, "AWS_SHARED_CREDENTIALS_FILE="+s.credentials(), "AWS_DEFAULT_REGION="+region, "AWS_EC2_METADATA_DISABLED=true")
	var errOut strings.Builder
	c.Stderr = &errOut
	out, err := c.Output()
	if err == nil {
		err = json.Unmarshal(out, answer)
	}
	if err != nil {
		s.t.Fatalf("aws cloudtrail %s: %v\n%s\n%s", strings.Join(args, " "), err, errOut.String(), out)
	}
}

// TestAuditByCLI looks calls up by the unmodified AWS CLI and finds them, once each, in
// a bucket of moto, across a kill.
func TestAuditByCLI(t *testing.T) {
	t.Parallel()
	moto := startMoto(t)
	endpoint := []string{"AWS_ENDPOINT_URL=" + moto}
	python(t, endpoint, "bucket.py", "make", "trail-bucket")
	s := start(t, "audit: {s3: {bucket: trail-bucket, prefix: audit, endpoint_url: \""+moto+"\", every: 1s}}\n", "AWS_EC2_METADATA_DISABLED=true",
		"AWS_SHARED_CREDENTIALS_FILE="+writeCredentials(t))
	s.awsCLI("create-configuration-set", "--configuration-set-name", "MyConfigurationSet")
	s.awsCLI("describe-pools")
	s.kill()
	s.launch()
	s.awsCLI("create-opt-out-list", "--opt-out-list-name", "Mine")
	var found struct {
		Events []struct {
			EventName, EventSource, Username, CloudTrailEvent, ReadOnly string
			Resources                                                   []struct{ ResourceType, ResourceName string }
		}
	}
	eventually(t, "records are found", func() bool {
		s.cloudtrail(&found, "lookup-events", "--lookup-attributes", "AttributeKey=ReadOnly,AttributeValue=false")
		return len(found.Events) == 2
	})
	first, last := found.Events[1], found.Events[0]
	if first.EventName != "CreateConfigurationSet" || last.EventName != "CreateOptOutList" || first.Username != "root" || first.EventSource != "sms-voice.amazonaws.com" ||
		len(first.Resources) != 1 || first.Resources[0].ResourceName != "MyConfigurationSet" || !strings.Contains(first.CloudTrailEvent, `"requestParameters":{"ConfigurationSetName":"MyConfigurationSet"`) {
		t.Errorf("%+v", found)
	}
	s.cloudtrail(&found, "lookup-events", "--lookup-attributes", "AttributeKey=ResourceName,AttributeValue=Mine", "--start-time", "2020-01-01T00:00:00Z", "--max-results", "1")
	if len(found.Events) != 1 || found.Events[0].EventName != "CreateOptOutList" {
		t.Errorf("%+v", found)
	}
	var trails struct {
		TrailList []struct{ Name, S3BucketName, S3KeyPrefix string } `json:"trailList"`
	}
	if s.cloudtrail(&trails, "describe-trails"); len(trails.TrailList) != 1 || trails.TrailList[0].S3BucketName != "trail-bucket" || trails.TrailList[0].S3KeyPrefix != "audit" {
		t.Errorf("%+v", trails)
	}
	var status struct{ IsLogging bool }
	if s.cloudtrail(&status, "get-trail-status", "--name", "heliograph"); !status.IsLogging {
		t.Error("the trail is not logging")
	}
	eventually(t, "records are delivered", func() bool {
		text := python(t, endpoint, "bucket.py", "read", "trail-bucket")
		created, lists := strings.Count(text, `"eventName":"CreateConfigurationSet"`), strings.Count(text, `"eventName":"CreateOptOutList"`)
		if created > 1 || lists > 1 {
			t.Fatalf("records came twice:\n%s", text)
		}
		return created == 1 && lists == 1
	})
	if _, err := os.Stat(filepath.Join(s.dir, "data", "audit", "s3.json")); err != nil {
		t.Error(err)
	}
	s.run("audit", "verify")
}
