package gatewaytest

import (
	"bytes"
	"context"
	"encoding/csv"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/storagegateway"
	"github.com/aws/aws-sdk-go-v2/service/storagegateway/types"

	"headroom/internal/local/constraint"
)

// Report is one cache report.
type Report struct {
	ARN, Share, Bucket, Role, Name string
	Status                         types.CacheReportStatus

	token string
	looks int // that show it as under way
}

// Reports returns the reports that are not deleted, in the order of their making.
func (s *Service) Reports() []Report {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []Report
	for _, r := range s.reports {
		out = append(out, *r)
	}
	return out
}

func filterForm(filters []types.CacheReportFilter) (form []constraint.CacheReportFilter) {
	for _, f := range filters {
		form = append(form, constraint.CacheReportFilter{Name: word(f.Name), Values: f.Values})
	}
	return form
}

// StartCacheReport is Storage Gateway's. The report is of what fails to upload, whatever else it is asked for.
func (s *Service) StartCacheReport(ctx context.Context, in *storagegateway.StartCacheReportInput, _ ...func(*storagegateway.Options)) (*storagegateway.StartCacheReportOutput, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	form := constraint.CacheReport{
		FileShareARN: in.FileShareARN, Role: in.Role, LocationARN: in.LocationARN, BucketRegion: in.BucketRegion, ClientToken: in.ClientToken,
		Inclusion: filterForm(in.InclusionFilters), Exclusion: filterForm(in.ExclusionFilters), Tags: tagForm(in.Tags),
	}
	if r := form.Start(); r != nil {
		return nil, refused(r)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	token := *in.FileShareARN + " " + *in.ClientToken
	for _, r := range s.reports {
		if r.token == token {
			return &storagegateway.StartCacheReportOutput{CacheReportARN: aws.String(r.ARN)}, nil
		}
	}
	if s.spent[token] {
		return nil, refuse(types.ErrorCodeInvalidParameters)
	}
	share, err := s.serving(in.FileShareARN)
	if err != nil {
		return nil, err
	}
	there := 0
	for _, r := range s.reports {
		if r.Share == share.ARN {
			if there++; r.Status == types.CacheReportStatusInProgress {
				return nil, refuse(types.ErrorCodeInvalidParameters)
			}
		}
	}
	if there >= 10 {
		return nil, refuse(types.ErrorCodeInvalidParameters)
	}
	s.reported++
	r := &Report{
		ARN: fmt.Sprintf("%s/cache-report/report-%08d", share.ARN, s.reported), Share: share.ARN, Role: *in.Role,
		Bucket: strings.TrimPrefix(*in.LocationARN, "arn:aws:s3:::"), Status: types.CacheReportStatusInProgress, token: token, looks: s.Late + 1,
	}
	s.reports = append(s.reports, r)
	return &storagegateway.StartCacheReportOutput{CacheReportARN: aws.String(r.ARN)}, nil
}

// DescribeCacheReport is Storage Gateway's. A report is made over several looks.
func (s *Service) DescribeCacheReport(ctx context.Context, in *storagegateway.DescribeCacheReportInput, _ ...func(*storagegateway.Options)) (*storagegateway.DescribeCacheReportOutput, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	r, err := s.report(in.CacheReportARN)
	if err != nil {
		return nil, err
	}
	share := s.share(r.Share)
	if r.Status == types.CacheReportStatusInProgress && s.there(share) {
		if r.looks--; r.looks <= 0 {
			s.write(r, share)
		}
	}
	info := types.CacheReportInfo{
		CacheReportARN: aws.String(r.ARN), FileShareARN: aws.String(r.Share), CacheReportStatus: r.Status,
		LocationARN: aws.String("arn:aws:s3:::" + r.Bucket), Role: aws.String(r.Role),
	}
	if r.Status == types.CacheReportStatusCompleted {
		info.ReportName, info.ReportCompletionPercent = aws.String(r.Name), aws.Int32(100)
	}
	return &storagegateway.DescribeCacheReportOutput{CacheReportInfo: &info}, nil
}

// write writes a report into its bucket.
func (s *Service) write(r *Report, share *Share) {
	r.Status = types.CacheReportStatusFailed
	if s.Missing[r.Role] || s.Put == nil {
		return
	}
	lines := [][]string{{"Bucket", "S3ObjectKey", "FilePath", "RenamedTo", "UploadFailureReason"}}
	if share.held {
		for _, name := range share.waiting {
			lines = append(lines, []string{share.Bucket, name, "/" + name, "", "S3AccessDenied"})
		}
	}
	var file bytes.Buffer
	_ = csv.NewWriter(&file).WriteAll(lines) // a buffer takes all
	name := r.ARN[strings.LastIndex(r.ARN, "/")+1:] + ".csv"
	if err := s.Put(r.Bucket, name, file.Bytes()); err != nil {
		return
	}
	r.Status, r.Name = types.CacheReportStatusCompleted, name
}

// DeleteCacheReport is Storage Gateway's.
func (s *Service) DeleteCacheReport(ctx context.Context, in *storagegateway.DeleteCacheReportInput, _ ...func(*storagegateway.Options)) (*storagegateway.DeleteCacheReportOutput, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	r, err := s.report(in.CacheReportARN)
	if err != nil {
		return nil, err
	}
	if r.Status == types.CacheReportStatusInProgress {
		return nil, refuse(types.ErrorCodeInvalidParameters)
	}
	s.spend(r.token)
	s.reports = slices.DeleteFunc(s.reports, func(other *Report) bool { return other == r })
	return &storagegateway.DeleteCacheReportOutput{CacheReportARN: in.CacheReportARN}, nil
}

// report finds a report.
func (s *Service) report(arn *string) (*Report, error) {
	if r := constraint.OnReport(arn); r != nil {
		return nil, refused(r)
	}
	for _, r := range s.reports {
		if r.ARN == *arn && s.share(r.Share) != nil {
			return r, nil
		}
	}
	return nil, refuse(types.ErrorCodeInvalidParameters)
}

// spend notes that a token was used up.
func (s *Service) spend(token string) {
	if s.spent == nil {
		s.spent = map[string]bool{}
	}
	s.spent[token] = true
}
