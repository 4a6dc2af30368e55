package cloudwatch

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"headroom/internal/local/endpoint"
)

// The cases are those of CloudWatch's user guide, "CloudWatch search expression syntax".
func TestNamesAreFoundByTheirTokens(t *testing.T) {
	for _, test := range []struct {
		name, term string
		found      bool
	}{
		{"CustomCount1", "count", true},
		{"CustomCount1", "COUNT", true},
		{"CustomCount1", "1", true},
		{"CustomCount1", "CustomCount", true},
		{"CustomCount1", "Count1", true},
		{"CustomCount1", "couNT", false},
		{"CustomCount1", "customcount", false},
		{"CustomCount1", "count1", false},
		{"SDBFailure", "sdb", true},
		{"SDBFailure", "failure", true},
		{"SDBFailure", "sdbfailure", true},
		{"SDBFailure", "SD", false},
		{"Project2-trial333", "project2trial333", false},
		{"Project2-trial333", "trial", true},
		{"Project2-trial333", "333", true},
		{"Project2-trial333", "33", false},
		{"Network-Errors-2", "Network_Errors", true},
		{"NetworkErrors2", "Network_Errors", true},
		{"Network-Errors-2", "Errors/Network", false},
		{"headroom-dev-database-standard-1", "headroom-dev-database", true},
		{"headroom-dev-database-standard-1", "headroom-prod-database", false},
		{"anything", "-", false},
	} {
		if got := partly(test.name, test.term); got != test.found {
			t.Errorf("%q finds %q: %t; tokens %v and %v", test.term, test.name, got, tokens(test.term), tokens(test.name))
		}
	}
}

// hosts publishes what hosts measure: two database hosts of dev, one of prod, and a gateway.
func hosts(w *world) {
	for identifier, cpu := range map[string]float64{"headroom-dev-database-standard-1": 40, "headroom-dev-database-standard-2": 60, "headroom-prod-database-standard-1": 90} {
		of := map[string]string{"DBInstanceIdentifier": identifier}
		w.emit(Metric{"AWS/RDS", "CPUUtilization", of}, cpu, time.Minute)
		w.emit(Metric{"AWS/RDS", "DatabaseConnections", of}, 2, time.Minute)
	}
	w.emit(Metric{"AWS/RDS", "CPUUtilization", map[string]string{}}, 50, time.Minute)
	w.emit(Metric{"AWS/StorageGateway", "CachePercentDirty", map[string]string{"GatewayId": "sgw-1", "GatewayName": "headroom-dev-share-standard-1"}}, 7, time.Minute)
}

// ask answers queries over the last hour: a line "id label values" each.
func (w *world) ask(t *testing.T, queries ...any) []string {
	t.Helper()
	var got []string
	for _, result := range w.call(t, "GetMetricData", map[string]any{
		"StartTime": w.now.Add(-time.Hour).Format(time.RFC3339), "EndTime": w.now.Format(time.RFC3339), "MetricDataQueries": queries,
	})["MetricDataResults"].([]any) {
		r := result.(map[string]any)
		got = append(got, fmt.Sprint(r["Id"], " ", r["Label"], " ", r["Values"]))
	}
	return got
}

func TestSearchesFindMetricsThatComeLater(t *testing.T) {
	w := newWorld()
	const cpu = `SEARCH('{AWS/RDS,DBInstanceIdentifier} MetricName="CPUUtilization" headroom-dev-database', 'Average', 300)`
	query := func(id, label, expression string) map[string]any {
		return map[string]any{"Id": id, "Label": label, "Expression": expression}
	}
	if got := w.ask(t, query("a", "", cpu), query("b", "", "MAX(a)")); !slices.Equal(got, []string{"b b []"}) {
		t.Errorf("without hosts: %v", got)
	}
	hosts(w)
	for _, test := range []struct {
		name    string
		queries []any
		want    []string
	}{
		{"what tells them apart names them", []any{query("a", "", cpu)}, []string{
			"a headroom-dev-database-standard-1 [40]", "a headroom-dev-database-standard-2 [60]",
		}},
		{"labels say properties", []any{query("a", "${PROP('Dim.DBInstanceIdentifier')} ${PROP('MetricName')}", cpu)}, []string{
			"a headroom-dev-database-standard-1 CPUUtilization [40]", "a headroom-dev-database-standard-2 CPUUtilization [60]",
		}},
		{"an array becomes one", []any{query("a", "highest", "MAX("+cpu+")"), query("b", "mean", "AVG("+cpu+")")}, []string{"a highest [60]", "b mean [50]"}},
		{"an expression over a search", []any{query("b", "sum", "SUM(a)"), query("a", "", cpu)}, []string{
			"b sum [100]", "a headroom-dev-database-standard-1 [40]", "a headroom-dev-database-standard-2 [60]",
		}},
		{"arithmetic of each", []any{query("a", "", cpu+" / 2")}, []string{"a headroom-dev-database-standard-1 [20]", "a headroom-dev-database-standard-2 [30]"}},
		{"the first of them", []any{query("a", "", "SORT("+cpu+", MAX, DESC, 1)")}, []string{"a CPUUtilization [60]"}},
		{"gateways", []any{query("a", "", `SEARCH('{AWS/StorageGateway,GatewayId,GatewayName} MetricName="CachePercentDirty" GatewayName=headroom-dev-share', 'Maximum')`)}, []string{"a CachePercentDirty [7]"}},
		{"or, not and parentheses", []any{query("a", "", `SEARCH('{AWS/RDS,DBInstanceIdentifier} (MetricName="CPUUtilization" OR MetricName="Nothing") NOT prod AND NOT DBInstanceIdentifier=2', 'Average')`)}, []string{
			"a CPUUtilization [40]",
		}},
		{"exactly", []any{query("a", "", `SEARCH('{AWS/RDS,DBInstanceIdentifier} "CPUUtilization" DBInstanceIdentifier="headroom-dev-database-standard"', 'Average')`)}, nil},
		{"other dimensions are other metrics", []any{query("a", "", `SEARCH('{AWS/RDS} CPUUtilization', 'Average')`)}, []string{"a CPUUtilization [50]"}},
	} {
		if got := w.ask(t, test.queries...); !slices.Equal(got, test.want) {
			t.Errorf("%s:\n got %s\nwant %s", test.name, strings.Join(got, "\n     "), strings.Join(test.want, "\n     "))
		}
	}
}

func TestSearchesThatCannotBeMeantAreRefused(t *testing.T) {
	w := newWorld()
	const cpu = `SEARCH('{AWS/RDS,DBInstanceIdentifier} CPUUtilization', 'Average')`
	for name, expression := range map[string]string{
		"two arrays":        cpu + " + " + cpu,
		"an open quote":     `SEARCH('{AWS/RDS,DBInstanceIdentifier} "CPU', 'Average')`,
		"an open bracket":   `SEARCH('{AWS/RDS,DBInstanceIdentifier} (CPU', 'Average')`,
		"an empty name":     `SEARCH('{AWS/RDS,} CPU', 'Average')`,
		"nothing":           `SEARCH('', 'Average')`,
		"an operator alone": `SEARCH('OR', 'Average')`,
		"no statistic":      `SEARCH('CPU')`,
		"another statistic": `SEARCH('CPU', 'Median')`,
		"an open string":    `SEARCH('CPU`,
		"too long":          `SEARCH('` + strings.Repeat("x", searchMost+1) + `', 'Average')`,
		"the whole of one":  "MAX(m)",
		"an order of one":   "SORT(m, MAX, DESC)",
	} {
		_, err := w.Service().Operations["GetMetricData"](t.Context(), endpoint.Call{Params: map[string]any{
			"StartTime": noon.Add(-time.Hour).Format(time.RFC3339), "EndTime": noon.Format(time.RFC3339), "MetricDataQueries": []any{
				map[string]any{"Id": "a", "Expression": expression},
				map[string]any{"Id": "m", "MetricStat": map[string]any{"Period": 60, "Stat": "Sum", "Metric": map[string]any{"Namespace": "N", "MetricName": "M"}}},
			},
		}})
		if err == nil {
			t.Errorf("%s is taken: %s", name, expression)
		}
	}
	properties := map[string]any{"MetricName": "", "Statistic": "", "Metrics": []any{map[string]any{"Id": "a", "Expression": "MAX(" + cpu + ")"}}}
	if _, err := w.Create(t.Context(), ofDeadLetters(properties)); err == nil || !strings.Contains(err.Error(), "SEARCH") {
		t.Errorf("an alarm that searches: %v", err)
	}
}
