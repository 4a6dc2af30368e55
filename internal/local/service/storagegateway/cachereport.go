package storagegateway

import (
	"context"
	"slices"
	"strings"
	"time"

	"headroom/internal/local/constraint"
	"headroom/internal/local/endpoint"
	"headroom/internal/local/machine/appliance"
	"headroom/internal/local/weakjson"
)

// reportsMost is how many reports of a share there may be that are not deleted.
const reportsMost = 10

// Statuses of a report.
const (
	reportInProgress = "IN_PROGRESS"
	reportCompleted  = "COMPLETED"
	reportCanceled   = "CANCELED"
	reportFailed     = "FAILED"
)

// report is one cache report as the API knows it.
type report struct {
	arn, status, name string
	number            int // in the order of their making
	input             onReport
	started, ended    time.Time
}

// onReport is the input of the operations about reports.
type onReport struct {
	CacheReportARN   string         `json:"CacheReportARN"`
	FileShareARN     string         `json:"FileShareARN"`
	Role             string         `json:"Role"`
	LocationARN      string         `json:"LocationARN"`
	BucketRegion     string         `json:"BucketRegion"`
	ClientToken      string         `json:"ClientToken"`
	InclusionFilters []reportFilter `json:"InclusionFilters"`
	ExclusionFilters []reportFilter `json:"ExclusionFilters"`
	Tags             []weakjson.Tag `json:"Tags"`
}

type reportFilter struct {
	Name   string   `json:"Name"`
	Values []string `json:"Values"`
}

// matches reports whether a file that fails for a reason is one of the filter's.
func (f reportFilter) matches(reason string) bool {
	return f.Name == "UploadState" || slices.Contains(f.Values, reason)
}

// wants reports whether a file that fails for a reason is to be listed. Filters of one kind are taken to add up, and those
// of two to narrow each other: AWS does not say.
func (r onReport) wants(reason string) bool {
	is := func(f reportFilter) bool { return f.matches(reason) }
	return !slices.ContainsFunc(r.InclusionFilters, func(f reportFilter) bool { return !is(f) }) && !slices.ContainsFunc(r.ExclusionFilters, is)
}

// reportForm is a request for a report as its form is checked.
func reportForm(params map[string]any, input onReport) constraint.CacheReport {
	text := func(member string) *string { return constraint.Text(params, member) }
	filters := func(list []reportFilter) (all []constraint.CacheReportFilter) {
		for _, f := range list {
			all = append(all, constraint.CacheReportFilter{Name: &f.Name, Values: f.Values})
		}
		return all
	}
	return constraint.CacheReport{
		FileShareARN: text("FileShareARN"), Role: text("Role"), LocationARN: text("LocationARN"), BucketRegion: text("BucketRegion"),
		ClientToken: text("ClientToken"), Inclusion: filters(input.InclusionFilters), Exclusion: filters(input.ExclusionFilters), Tags: tagForm(params),
	}
}

// startReport has an appliance write a report, which takes a while. It is of files that fail to upload, and not of all
// that is in the cache. What AWS answers of a token whose report is deleted is not documented: a refusal is what is
// harder to live with, as it is for a share that is being deleted.
func (g *Gateway) startReport(_ context.Context, call endpoint.Call) (any, error) {
	var input onReport
	if err := weakjson.Decode(call.Params, &input); err != nil {
		return nil, invalid(err.Error())
	}
	if r := reportForm(call.Params, input).Start(); r != nil {
		return nil, endpoint.Refused(r)
	}
	token := input.FileShareARN + " " + input.ClientToken
	g.mu.Lock()
	if arn, again := g.reportTokens[token]; again {
		defer g.mu.Unlock()
		if g.reports[arn] == nil {
			return nil, refusal("InvalidParameters", "The client token was used for another request.")
		}
		return map[string]any{"CacheReportARN": arn}, nil
	}
	g.mu.Unlock()
	_, s, device, err := g.serving(call)
	if err != nil {
		return nil, err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	there := 0
	for _, other := range g.reports {
		if other.input.FileShareARN != s.arn {
			continue
		}
		if there++; other.status == reportInProgress {
			return nil, refusal("InvalidParameters", "A cache report of the file share is in progress already.")
		}
	}
	if there >= reportsMost {
		return nil, refusal("InvalidParameters", "The file share has reached the limit of 10 cache reports.")
	}
	if len(input.InclusionFilters) == 0 {
		return nil, refusal("NotSupported", "The local cloud reports of files that fail to upload only.")
	}
	g.made++
	id := newID("report")
	r := &report{arn: s.arn + "/cache-report/" + id, status: reportInProgress, number: g.made, input: input, started: g.cfg.Clock.Now()}
	g.reports[r.arn], g.reportTokens[token] = r, r.arn
	g.work.Go(func() { g.write(r, s, device, s.id+"-"+id+".csv") })
	return map[string]any{"CacheReportARN": r.arn}, nil
}

// write makes a report.
func (g *Gateway) write(r *report, s *share, device *appliance.Appliance, name string) {
	if !g.pause(g.cfg.Report) {
		return
	}
	g.mu.Lock()
	going := g.reports[r.arn] == r && r.status == reportInProgress
	g.mu.Unlock()
	if !going {
		return
	}
	err := g.cfg.Assume(r.input.Role, s.gateway)
	if err == nil {
		to := appliance.Bucket{Name: strings.TrimPrefix(r.input.LocationARN, "arn:aws:s3:::"), RoleARN: r.input.Role}
		err = device.ReportFailing(g.life, s.id, to, name, r.input.wants)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if r.status != reportInProgress {
		return
	}
	r.ended = g.cfg.Clock.Now()
	if err != nil {
		g.cfg.Log.Warn("cache report failed", "report", r.arn, "error", err)
		r.status = reportFailed
		return
	}
	r.status, r.name = reportCompleted, name
}

// onReport finds the report that a call is about. The caller holds the lock.
func (g *Gateway) onReport(call endpoint.Call) (*report, error) {
	arn := constraint.Text(call.Params, "CacheReportARN")
	if r := constraint.OnReport(arn); r != nil {
		return nil, endpoint.Refused(r)
	}
	if r := g.reports[*arn]; r != nil {
		return r, nil
	}
	return nil, refusal("InvalidParameters", "The specified cache report was not found.")
}

func (g *Gateway) describeReport(_ context.Context, call endpoint.Call) (any, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	r, err := g.onReport(call)
	if err != nil {
		return nil, err
	}
	return map[string]any{"CacheReportInfo": r.info()}, nil
}

// info is a report as it is described.
func (r *report) info() map[string]any {
	info := map[string]any{
		"CacheReportARN": r.arn, "CacheReportStatus": r.status, "FileShareARN": r.input.FileShareARN, "LocationARN": r.input.LocationARN,
		"Role": r.input.Role, "StartTime": seconds(r.started), "ReportCompletionPercent": 0, "Tags": tagList(weakjson.Tags(nil, r.input.Tags)),
		"InclusionFilters": r.input.InclusionFilters, "ExclusionFilters": r.input.ExclusionFilters,
	}
	if !r.ended.IsZero() {
		info["EndTime"] = seconds(r.ended)
	}
	if r.status == reportCompleted {
		info["ReportName"], info["ReportCompletionPercent"] = r.name, 100
	}
	return info
}

// seconds is a time as the API words it.
func seconds(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }

// listReports lists all reports: there are ten of a share at most, so it needs no pages.
func (g *Gateway) listReports(_ context.Context, _ endpoint.Call) (any, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	var all []*report
	for _, r := range g.reports {
		all = append(all, r)
	}
	slices.SortFunc(all, func(a, b *report) int { return a.number - b.number })
	list := []any{}
	for _, r := range all {
		list = append(list, r.info())
	}
	return map[string]any{"CacheReportList": list}, nil
}

// cancelReport ends a report that is under way.
func (g *Gateway) cancelReport(_ context.Context, call endpoint.Call) (any, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	r, err := g.onReport(call)
	if err != nil {
		return nil, err
	}
	if r.status != reportInProgress {
		return nil, refusal("InvalidParameters", "The cache report is not in progress.")
	}
	r.status, r.ended = reportCanceled, g.cfg.Clock.Now()
	return map[string]any{"CacheReportARN": r.arn}, nil
}

// deleteReport deletes a report that has ended. The object that it was written to stays.
func (g *Gateway) deleteReport(_ context.Context, call endpoint.Call) (any, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	r, err := g.onReport(call)
	if err != nil {
		return nil, err
	}
	if r.status == reportInProgress {
		return nil, refusal("InvalidParameters", "The cache report is in progress.")
	}
	delete(g.reports, r.arn)
	return map[string]any{"CacheReportARN": r.arn}, nil
}

// forgetReports ends the reports of a share that is gone. The caller holds the lock.
func (g *Gateway) forgetReports(share string) {
	for arn, r := range g.reports {
		if r.input.FileShareARN == share {
			delete(g.reports, arn)
		}
	}
}
