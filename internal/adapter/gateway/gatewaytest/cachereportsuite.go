package gatewaytest

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/storagegateway"
	"github.com/aws/aws-sdk-go-v2/service/storagegateway/types"

	"headroom/internal/adapter/awsclient"
)

// reportForm is a request for a report of what fails to upload that nothing is wrong with.
func reportForm(share, token string) *storagegateway.StartCacheReportInput {
	return &storagegateway.StartCacheReportInput{
		ClientToken: &token, FileShareARN: &share, LocationARN: aws.String("arn:aws:s3:::bucket-of-reports"), BucketRegion: aws.String("eu-west-1"),
		Role: aws.String("arn:aws:iam::123456789012:role/reports"),
		InclusionFilters: []types.CacheReportFilter{{
			Name: types.CacheReportFilterNameUploadState, Values: []string{"FailingUpload"},
		}},
	}
}

// start asks for a report, and returns its ARN, or the code of the refusal.
func (w World) start(t *testing.T, in *storagegateway.StartCacheReportInput) (arn, code string) {
	t.Helper()
	out, err := w.Client.StartCacheReport(t.Context(), in)
	if err != nil {
		return "", awsclient.Code(err)
	}
	return aws.ToString(out.CacheReportARN), ""
}

// reported looks at a report, and returns its status, or the code of the refusal.
func (w World) reported(t *testing.T, arn string) (types.CacheReportInfo, string) {
	t.Helper()
	out, err := w.Client.DescribeCacheReport(t.Context(), &storagegateway.DescribeCacheReportInput{CacheReportARN: &arn})
	if err != nil {
		return types.CacheReportInfo{}, awsclient.Code(err)
	}
	return *out.CacheReportInfo, string(out.CacheReportInfo.CacheReportStatus)
}

// discard deletes a report, and returns the code of the refusal.
func (w World) discard(t *testing.T, arn string) string {
	t.Helper()
	_, err := w.Client.DeleteCacheReport(t.Context(), &storagegateway.DeleteCacheReportInput{CacheReportARN: &arn})
	if err != nil {
		return awsclient.Code(err)
	}
	return ""
}

// report has a report made, and returns what it says.
func (w World) report(t *testing.T, share, token string) string {
	t.Helper()
	arn, code := w.start(t, reportForm(share, token))
	if code != "" {
		t.Fatalf("the report was refused: %s", code)
	}
	var info types.CacheReportInfo
	until(t, "the report is made", func() bool {
		var status string
		info, status = w.reported(t, arn)
		return status == "COMPLETED"
	})
	content := w.Object("bucket-of-reports", aws.ToString(info.ReportName))
	if code := w.discard(t, arn); code != "" {
		t.Fatalf("a report that is made can't be deleted: %s", code)
	}
	return content
}

// reports is what Storage Gateway does when it is asked what fails to upload.
func reports(t *testing.T, newWorld func(*testing.T) World) {
	const service = "InvalidParameters"
	t.Run("a report names what fails to upload, and no more", func(t *testing.T) {
		w := newWorld(t)
		share := w.share(t, "token-1")
		if got := w.report(t, share, "report-1"); strings.Contains(got, "file") || !strings.Contains(got, "FilePath") {
			t.Errorf("of a share that nobody has written to: %q", got)
		}
		w.Hold(share, true)
		w.Write(t, share)
		n := 0
		until(t, "the file is named", func() bool {
			n++
			got := w.report(t, share, "report-2-"+strings.Repeat("x", n))
			return strings.Contains(got, ",/file,") && strings.Contains(got, "S3AccessDenied")
		})
		w.Hold(share, false)
		id := w.notify(t, share)
		until(t, "it is uploaded", func() bool {
			for _, told := range w.told(t, "Storage Gateway File Upload Event", share) {
				if told == id {
					return true
				}
			}
			return false
		})
		if got := w.report(t, share, "report-3"); strings.Contains(got, "/file") {
			t.Errorf("of what is uploaded: %q", got)
		}
	})
	t.Run("a share has one report under way, and a token makes one", func(t *testing.T) {
		w := newWorld(t)
		share := w.share(t, "token-1")
		arn, code := w.start(t, reportForm(share, "report-1"))
		if code != "" || !strings.HasPrefix(arn, share+"/cache-report/report-") {
			t.Fatalf("the report is %q, %s", arn, code)
		}
		if code := w.discard(t, arn); code != service {
			t.Errorf("deleted while it is under way: %q", code)
		}
		if _, code := w.start(t, reportForm(share, "report-2")); code != service {
			t.Errorf("another meanwhile: %q", code)
		}
		if again, code := w.start(t, reportForm(share, "report-1")); again != arn {
			t.Errorf("asked for again: %q, %s", again, code)
		}
		until(t, "it is made", func() bool { _, status := w.reported(t, arn); return status == "COMPLETED" })
		if again, _ := w.start(t, reportForm(share, "report-1")); again != arn {
			t.Errorf("asked for again once it is made: %q", again)
		}
		if code := w.discard(t, arn); code != "" {
			t.Errorf("deleted: %q", code)
		}
		if _, code := w.reported(t, arn); code != service {
			t.Errorf("looked at once it is deleted: %q", code)
		}
		if code := w.discard(t, arn); code != service {
			t.Errorf("deleted once more: %q", code)
		}
		if _, code := w.start(t, reportForm(share, "report-1")); code != service {
			t.Errorf("the token of a report that is deleted: %q", code)
		}
	})
	t.Run("a report that can't be written fails", func(t *testing.T) {
		w := newWorld(t)
		share := w.share(t, "token-1")
		in := reportForm(share, "report-1")
		in.Role = aws.String(MissingRole)
		arn, code := w.start(t, in)
		if code != "" {
			t.Fatal(code)
		}
		until(t, "it fails", func() bool { _, status := w.reported(t, arn); return status == "FAILED" })
		if code := w.discard(t, arn); code != "" {
			t.Errorf("deleted: %q", code)
		}
	})
	t.Run("no report of a gateway that is away, or of a share that is being deleted", func(t *testing.T) {
		w := newWorld(t)
		share := w.share(t, "token-1")
		w.Away(true)
		if _, err := w.Client.StartCacheReport(t.Context(), reportForm(share, "report-1")); !awsclient.IsUnreachable(err) {
			t.Errorf("while it is away: %v", err)
		}
		w.Away(false)
		w.Hold(share, true)
		w.Write(t, share)
		if err := w.delete(t, share); err != nil {
			t.Fatal(err)
		}
		if _, code := w.start(t, reportForm(share, "report-1")); code != service {
			t.Errorf("while it is deleted: %q", code)
		}
		w.Hold(share, false)
	})
	t.Run("what is refused by its form", func(t *testing.T) {
		w := newWorld(t)
		share := w.share(t, "token-1")
		for what, tt := range map[string]struct {
			change func(*storagegateway.StartCacheReportInput)
			code   string
		}{
			"a short token":     {func(in *storagegateway.StartCacheReportInput) { in.ClientToken = aws.String("abcd") }, "ValidationException"},
			"no filter":         {func(in *storagegateway.StartCacheReportInput) { in.InclusionFilters = nil }, service},
			"an unknown value":  {func(in *storagegateway.StartCacheReportInput) { in.InclusionFilters[0].Values = []string{"Failing"} }, service},
			"an unknown filter": {func(in *storagegateway.StartCacheReportInput) { in.InclusionFilters[0].Name = "State" }, "ValidationException"},
			"no bucket": {func(in *storagegateway.StartCacheReportInput) {
				in.LocationARN = aws.String("arn:aws:sqs:eu-west-1:1:q")
			}, service},
			"no role": {func(in *storagegateway.StartCacheReportInput) {
				in.Role = aws.String("arn:aws:iam::123456789012:user/u")
			}, "ValidationException"},
			"no share":           {func(in *storagegateway.StartCacheReportInput) { in.FileShareARN = aws.String(share + "0") }, "FileShareNotFound"},
			"a share that isn't": {func(in *storagegateway.StartCacheReportInput) { in.FileShareARN = aws.String("share-1") }, "ValidationException"},
		} {
			in := reportForm(share, "report-1")
			tt.change(in)
			if _, code := w.start(t, in); code != tt.code {
				t.Errorf("%s: %q, want %s", what, code, tt.code)
			}
		}
		if _, code := w.reported(t, "report-1"); code != "ValidationException" {
			t.Errorf("looking at what is no ARN: %q", code)
		}
	})
}
