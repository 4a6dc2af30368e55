package cloudwatch

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"headroom/internal/local/endpoint"
	"headroom/internal/local/resource"
	"headroom/internal/local/weakjson"
)

// dashboard is a dashboard's body, which nothing here draws.
type dashboard struct {
	body    string
	changed time.Time
}

func (a *Alarms) createDashboard(r resource.Resource) (resource.Created, error) {
	name := r.Name("DashboardName")
	body, _ := r.Properties["DashboardBody"].(string)
	if err := a.saveDashboard(name, body); err != nil {
		return resource.Created{}, err
	}
	return resource.Created{PhysicalID: name}, nil
}

func (a *Alarms) saveDashboard(name, body string) error {
	if !json.Valid([]byte(body)) {
		return &endpoint.Error{Code: "InvalidParameterInput", Message: "The field DashboardBody must be a valid JSON object"}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.dashboards[name] = dashboard{body, a.cfg.Now()}
	return nil
}

// Dashboard returns a dashboard's body; ok is false for one that is not there.
func (a *Alarms) Dashboard(name string) (body string, ok bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	d, ok := a.dashboards[name]
	return d.body, ok
}

func (a *Alarms) dashboardARN(name string) string {
	return fmt.Sprintf("arn:aws:cloudwatch::%s:dashboard/%s", a.cfg.Account, name)
}

// dashboardsPage is how many dashboards an answer has at most.
const dashboardsPage = 1000

func (a *Alarms) listDashboards(_ context.Context, call endpoint.Call) (any, error) {
	var input struct {
		DashboardNamePrefix string       `json:"DashboardNamePrefix"`
		NextToken           weakjson.Int `json:"NextToken"`
	}
	if err := decode(call, &input); err != nil {
		return nil, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	entries := []any{}
	for _, name := range slices.Sorted(maps.Keys(a.dashboards)) {
		if strings.HasPrefix(name, input.DashboardNamePrefix) {
			d := a.dashboards[name]
			entries = append(entries, map[string]any{
				"DashboardName": name, "DashboardArn": a.dashboardARN(name), "LastModified": d.changed, "Size": len(d.body),
			})
		}
	}
	from := min(max(int(input.NextToken), 0), len(entries))
	to := min(from+dashboardsPage, len(entries))
	answer := map[string]any{"DashboardEntries": entries[from:to]}
	if to < len(entries) {
		answer["NextToken"] = strconv.Itoa(to)
	}
	return answer, nil
}

func (a *Alarms) getDashboard(_ context.Context, call endpoint.Call) (any, error) {
	name, _ := call.Params["DashboardName"].(string)
	body, ok := a.Dashboard(name)
	if !ok {
		return nil, noDashboard(name)
	}
	return map[string]any{"DashboardName": name, "DashboardArn": a.dashboardARN(name), "DashboardBody": body}, nil
}

func noDashboard(name string) error {
	return &endpoint.Error{Code: "ResourceNotFound", Message: fmt.Sprintf("Dashboard %s does not exist", name), Status: 404}
}

func (a *Alarms) putDashboard(_ context.Context, call endpoint.Call) (any, error) {
	name, _ := call.Params["DashboardName"].(string)
	body, _ := call.Params["DashboardBody"].(string)
	if err := a.saveDashboard(name, body); err != nil {
		return nil, err
	}
	return map[string]any{"DashboardValidationMessages": []any{}}, nil
}

func (a *Alarms) deleteDashboards(_ context.Context, call endpoint.Call) (any, error) {
	var input struct {
		DashboardNames weakjson.Texts `json:"DashboardNames"`
	}
	if err := decode(call, &input); err != nil {
		return nil, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, name := range input.DashboardNames {
		if _, ok := a.dashboards[name]; !ok {
			return nil, noDashboard(name) // all of them or none
		}
	}
	for _, name := range input.DashboardNames {
		delete(a.dashboards, name)
	}
	return nil, nil
}
