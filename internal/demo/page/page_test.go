package page

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/google/go-cmp/cmp"

	"headroom/internal/demo"
	"headroom/internal/ledger/memory"
	"headroom/internal/local/endpoint"
	"headroom/internal/local/resource"
	"headroom/internal/local/service/cloudwatch"
	"headroom/internal/local/service/sqs"
	"headroom/internal/pool"
)

// noon is when everything happens.
var noon = time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)

// rig is a page over the local CloudWatch, a ledger in memory, and queues and an actor of the test's own.
type rig struct {
	t      *testing.T
	page   *Page
	server *httptest.Server
	ledger *memory.Ledger
	alarms *cloudwatch.Alarms

	mu     sync.Mutex
	acted  []string
	refuse error // what the actor answers
	queues map[string]sqs.State
	dead   map[string][]sqs.Message
}

func (r *rig) States(context.Context) (map[string]sqs.State, error) { return r.queues, nil }

func (r *rig) Messages(_ context.Context, queue string) ([]sqs.Message, error) {
	return r.dead[queue], nil
}

func (r *rig) act(words ...string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.acted = append(r.acted, strings.Join(words, " "))
	return r.refuse
}

func (r *rig) SignUp(_ context.Context, id, address string) error {
	return r.act("sign up", id, address)
}
func (r *rig) Terminate(_ context.Context, host string) error { return r.act("terminate", host) }
func (r *rig) Strain(_ context.Context, host string, on bool) error {
	if on {
		return r.act("strain", host)
	}
	return r.act("leave", host)
}

func newRig(t *testing.T) *rig {
	t.Helper()
	r := &rig{t: t, ledger: memory.New(memory.Options{}), queues: map[string]sqs.State{}, dead: map[string][]sqs.Message{}}
	now := func() time.Time { return noon }
	r.alarms = cloudwatch.New(cloudwatch.Config{Account: "123456789012", Region: "eu-west-1", Now: now})
	router := endpoint.New(endpoint.Config{Account: "123456789012", Region: "eu-west-1", Log: slog.New(slog.NewTextHandler(t.Output(), nil))})
	router.Handle(r.alarms.Service())
	cloud := httptest.NewServer(router)
	t.Cleanup(cloud.Close)
	page, err := New(Config{
		AWS: aws.Config{
			Region: "eu-west-1", BaseEndpoint: &cloud.URL, Credentials: credentials.NewStaticCredentialsProvider("OWNER", "secret", ""),
		},
		Dashboard: "headroom-dev", Ledger: r.ledger, Queues: r, Actor: r, Now: now, Speed: 20, Tier: "standard",
	})
	if errors.Is(err, ErrNoLibrary) {
		t.Fatalf("%v, or `make setup` before a test", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	page.began = noon.Add(-time.Hour)
	r.page = page
	r.dashboard(`{"widgets":[]}`)
	r.server = httptest.NewUnstartedServer(nil)
	r.server.Config.Handler = page.Handler(r.server.Listener.Addr().String())
	r.server.Start()
	t.Cleanup(r.server.Close)
	return r
}

func (r *rig) dashboard(body string) {
	r.t.Helper()
	_, err := r.alarms.Create(r.t.Context(), resource.Resource{
		Type: "AWS::CloudWatch::Dashboard", LogicalID: "Dashboard", Properties: map[string]any{"DashboardName": "headroom-dev", "DashboardBody": body},
	})
	if err != nil {
		r.t.Fatal(err)
	}
}

// get reads what is answered at a path, and wants a status.
func (r *rig) get(path string, want int, into any) string {
	r.t.Helper()
	resp, err := http.Get(r.server.URL + path)
	if err != nil {
		r.t.Fatal(err)
	}
	return r.read(resp, path, want, into)
}

func (r *rig) post(path, body string, want int) string {
	r.t.Helper()
	resp, err := http.Post(r.server.URL+path, "application/json", strings.NewReader(body))
	if err != nil {
		r.t.Fatal(err)
	}
	return r.read(resp, path, want, nil)
}

func (r *rig) read(resp *http.Response, path string, want int, into any) string {
	r.t.Helper()
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	if resp.StatusCode != want {
		r.t.Fatalf("%s: status %d, want %d: %s", path, resp.StatusCode, want, text)
	}
	if into != nil {
		if err := json.Unmarshal(text, into); err != nil {
			r.t.Fatalf("%s: %v: %s", path, err, text)
		}
	}
	return string(text)
}

func TestThePageAndItsPartsAreServed(t *testing.T) {
	r := newRig(t)
	for path, want := range map[string]string{
		"/": "<title>Headroom</title>", "/app.js": "import", "/style.css": "color-scheme", "/vendor/uPlot.iife.min.js": "uPlot", "/vendor/LICENSE": "MIT",
	} {
		if got := r.get(path, 200, nil); !strings.Contains(got, want) {
			t.Errorf("%s has no %q: %.80s", path, want, got)
		}
	}
	r.get("/page.go", 404, nil)
	r.get("/api/other", 404, nil)
}

// TestThePageLoadsNothingFromElsewhere reads the page's own files: what is said to be "no network" needs none.
func TestThePageLoadsNothingFromElsewhere(t *testing.T) {
	files, err := assets.ReadDir("assets")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if file.IsDir() {
			continue
		}
		text, err := assets.ReadFile("assets/" + file.Name())
		if err != nil {
			t.Fatal(err)
		}
		for _, far := range []string{"http://", "https://", "url(//", "@import"} {
			rest := strings.ReplaceAll(string(text), "http://www.w3.org/2000/svg", "") // a name, which nobody asks for
			if strings.Contains(strings.ReplaceAll(rest, `/^https?:\/\//`, ""), far) {
				t.Errorf("%s has %q", file.Name(), far)
			}
		}
	}
}

func TestChartsShowWhatWasMeasured(t *testing.T) {
	r := newRig(t)
	r.dashboard(`{"widgets":[
		{"type":"metric","x":0,"y":0,"width":12,"height":6,"properties":{"view":"timeSeries","title":"Depth","metrics":[
			["AWS/SQS","Depth","QueueName","a",{"label":"a","stat":"Maximum","period":60}],["...","b",{"label":"b","stat":"Sum","period":60,"color":"#abcdef"}],
			[{"expression":"FILL(m1, 0) * 2","label":"twice","id":"e1","period":60}],
			["AWS/SQS","Depth","QueueName","a",{"id":"m1","stat":"Maximum","period":60,"visible":false}]],
			"yAxis":{"left":{"min":0}},"annotations":{"horizontal":[{"value":5,"label":"too deep"}]}}},
		{"type":"text","x":12,"y":0,"width":12,"height":2,"properties":{"markdown":"# Queues"}},
		{"type":"log","x":0,"y":6,"width":24,"height":6,"properties":{"title":"Errors","query":"SOURCE x"}},
		{"type":"metric","x":0,"y":12,"width":24,"height":6,"properties":{"title":"Broken","metrics":[["..."]]}}]}`)
	for queue, value := range map[string]float64{"a": 3, "b": 4} {
		r.alarms.Metrics.Put(
			cloudwatch.Metric{Namespace: "AWS/SQS", Name: "Depth", Dimensions: map[string]string{"QueueName": queue}},
			cloudwatch.Datum{At: noon.Add(-5 * time.Minute), Value: 1}, cloudwatch.Datum{At: noon.Add(-5 * time.Minute), Value: value},
		)
	}
	var got board
	r.get("/api/dashboard?range=15m", 200, &got)
	if got.End != noon.Unix() || got.Start != noon.Add(-15*time.Minute).Unix() || len(got.Charts) != 4 {
		t.Fatalf("board: %+v", got)
	}
	depth := got.Charts[0]
	if depth.Title != "Depth" || depth.Width != 12 || *depth.Axes.Left.Min != 0 || depth.Levels[0].Label != "too deep" {
		t.Errorf("chart: %+v", depth)
	}
	at := noon.Add(-5 * time.Minute).Unix()
	values := map[string]float64{}
	for _, s := range depth.Series {
		for i, v := range s.Values {
			if depth.Times[i] == at && v != nil {
				values[s.Label] = *v
			}
		}
	}
	if diff := cmp.Diff(map[string]float64{"a": 3, "b": 5, "twice": 6}, values); diff != "" {
		t.Errorf("values (-want +got):\n%s", diff)
	}
	if got.Charts[1].Text != "# Queues" || got.Charts[1].Error != "" {
		t.Errorf("text: %+v", got.Charts[1])
	}
	if !strings.Contains(got.Charts[2].Error, "in CloudWatch only") || got.Charts[3].Error == "" {
		t.Errorf("what can't be drawn says: %q, %q", got.Charts[2].Error, got.Charts[3].Error)
	}
	r.get("/api/dashboard?range=9h", 400, nil)
}

func TestAlarmsAreShownWithWhatTheyWatch(t *testing.T) {
	r := newRig(t)
	_, err := r.alarms.Create(t.Context(), resource.Resource{Type: "AWS::CloudWatch::Alarm", LogicalID: "A", Properties: map[string]any{
		"AlarmName": "deep", "Namespace": "AWS/SQS", "MetricName": "Depth", "Statistic": "Maximum", "Period": "60", "EvaluationPeriods": "1",
		"ComparisonOperator": "GreaterThanThreshold", "Threshold": "5", "AlarmDescription": "It is deep.",
	}})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.alarms.SetState(t.Context(), "deep", "ALARM", "for a test"); err != nil {
		t.Fatal(err)
	}
	r.dashboard(`{"widgets":[
		{"type":"alarm","x":0,"y":0,"width":6,"height":2,"properties":{"title":"Now","alarms":["arn:aws:cloudwatch:eu-west-1:123456789012:alarm:deep","arn:aws:cloudwatch:eu-west-1:123456789012:alarm:gone"]}},
		{"type":"metric","x":0,"y":2,"width":6,"height":6,"properties":{"annotations":{"alarms":["arn:aws:cloudwatch:eu-west-1:123456789012:alarm:deep"]}}}]}`)
	r.alarms.Metrics.Put(cloudwatch.Metric{Namespace: "AWS/SQS", Name: "Depth"}, cloudwatch.Datum{At: noon.Add(-time.Minute), Value: 7})
	var got board
	r.get("/api/dashboard", 200, &got)
	if a := got.Charts[0].Alarms; len(a) != 1 || a[0].Name != "deep" || a[0].State != "ALARM" || a[0].Rule != "Depth > 5" {
		t.Errorf("alarms: %+v", a)
	}
	graph := got.Charts[1]
	if graph.Title != "deep" || len(graph.Levels) != 1 || graph.Levels[0].Value != 5 || len(graph.Series) != 1 || len(graph.Times) != 1 || *graph.Series[0].Values[0] != 7 {
		t.Errorf("graph of an alarm: %+v", graph)
	}
	var s state
	r.get("/api/state", 200, &s)
	if len(s.Alarms) != 1 || s.Alarms[0].Reason != "for a test" {
		t.Errorf("alarms of the state: %+v", s.Alarms)
	}
}

func TestNewsIsHandedOverOnce(t *testing.T) {
	r := newRig(t)
	r.page.Tell(demo.News{Kind: demo.NewsEvent, Type: "HostOrdered", Text: "one", Host: "share-standard-1"})
	r.page.Tell(demo.News{Kind: demo.NewsNotice, Text: "two", Body: "more"})
	var all, rest state
	r.get("/api/state", 200, &all)
	if len(all.News) != 2 || all.Came != 2 || all.News[1].Body != "more" || all.News[0].At != noon.UnixMilli() {
		t.Errorf("news: %+v", all.News)
	}
	r.page.Tell(demo.News{Kind: demo.NewsError, Text: "three"})
	r.get("/api/state?after=2", 200, &rest)
	if len(rest.News) != 1 || rest.News[0].Text != "three" || rest.News[0].N != 3 {
		t.Errorf("news after the second: %+v", rest.News)
	}
	r.get("/api/state?after=x", 400, nil)
}

func TestARingKeepsTheNewest(t *testing.T) {
	kept := newRing[int](3)
	for range 5 {
		kept.add(func(n int) int { return n })
	}
	for after, want := range map[int][]int{0: {3, 4, 5}, 3: {4, 5}, 5: {}, 9: {3, 4, 5}} {
		got, came := kept.after(after)
		if diff := cmp.Diff(want, got); diff != "" || came != 5 {
			t.Errorf("after %d, of %d (-want +got):\n%s", after, came, diff)
		}
	}
}

var _ ledger = (*memory.Ledger)(nil)

var share = pool.Key{Kind: pool.Share, Tier: "standard"}
