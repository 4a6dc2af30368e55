package page

import (
	"context"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	cdplog "github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"headroom/internal/demo"
	"headroom/internal/local/resource"
	"headroom/internal/local/service/cloudwatch"
	"headroom/internal/local/service/sqs"
	"headroom/internal/pool"
)

// browsers are what Chromium's program is called. internal/local/setup installs one where it may.
var browsers = []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable"}

// tab is one of a headless Chromium, with what it complains of.
type tab struct {
	t   *testing.T
	ctx context.Context

	mu         sync.Mutex
	complaints []string
}

// newTab opens a tab of a size. Without a browser the test is skipped.
func newTab(t *testing.T, width, height int64, scheme string) *tab {
	t.Helper()
	program := ""
	for _, name := range browsers {
		if path, err := exec.LookPath(name); err == nil {
			program = path
			break
		}
	}
	if program == "" {
		t.Skip("SKIPPED: there is no Chromium here; make setup installs it where it may")
	}
	options := append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]),
		chromedp.ExecPath(program), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.Flag("hide-scrollbars", true),
		chromedp.WSURLReadTimeout(2*time.Minute)) // until it has started, on a machine that does much else
	ctx, cancel := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(cancel)
	// What the library does not know of a newer browser it calls errors.
	ctx, cancel = chromedp.NewContext(ctx, chromedp.WithErrorf(func(string, ...any) {}))
	t.Cleanup(cancel)
	b := &tab{t: t, ctx: ctx}
	chromedp.ListenTarget(ctx, func(event any) {
		b.mu.Lock()
		defer b.mu.Unlock()
		switch e := event.(type) {
		case *cdplog.EventEntryAdded: // refusals by the page's policy are among them
			b.complaints = append(b.complaints, e.Entry.Text+" "+e.Entry.URL)
		case *runtime.EventExceptionThrown:
			b.complaints = append(b.complaints, e.ExceptionDetails.Error())
		}
	})
	if err := chromedp.Run(ctx); err != nil { // starts the browser, which lives as long as this context
		t.Fatalf("start %s: %v", program, err)
	}
	b.do(cdplog.Enable(), chromedp.EmulateViewport(width, height),
		emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}))
	return b
}

// do does actions, which are given two minutes.
func (b *tab) do(actions ...chromedp.Action) {
	b.t.Helper()
	b.within(2*time.Minute, actions...)
}

func (b *tab) within(atMost time.Duration, actions ...chromedp.Action) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, atMost)
	defer cancel()
	if err := chromedp.Run(ctx, actions...); err != nil {
		b.t.Fatalf("%v; the browser complains of %q", err, b.said())
	}
}

func (b *tab) said() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.complaints)
}

// until waits until an expression of JavaScript is true.
func (b *tab) until(expression string) {
	b.t.Helper()
	b.patiently(2*time.Minute, expression)
}

func (b *tab) patiently(atMost time.Duration, expression string) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, atMost)
	defer cancel()
	poll := chromedp.Poll(expression, nil, chromedp.WithPollingInterval(50*time.Millisecond), chromedp.WithPollingTimeout(0))
	if err := chromedp.Run(ctx, poll); err != nil {
		var says string
		b.do(chromedp.Evaluate(`["toast", "status"].map((id) => document.getElementById(id)?.textContent).join(", ")`, &says))
		b.t.Fatalf("wait for %s: %v; the page says %q, the browser complains of %q", expression, err, says, b.said())
	}
}

// press presses a button by the keyboard: a click of the mouse would miss one that is still
// scrolled into view, which the page does smoothly.
func (b *tab) press(id string) {
	b.t.Helper()
	b.until(fmt.Sprintf(`!document.getElementById(%q).disabled`, id))
	b.do(chromedp.Focus("#"+id), chromedp.KeyEvent(kb.Enter))
}

func (b *tab) is(expression, want string) {
	b.t.Helper()
	var got string
	b.do(chromedp.Evaluate("String("+expression+")", &got))
	if got != want {
		b.t.Errorf("%s is %q, want %q", expression, got, want)
	}
}

// lively is a rig with a bit of everything.
func lively(t *testing.T) *rig {
	r := newRig(t)
	r.host(pool.Key{Kind: pool.Database, Tier: "standard"}, pool.HostInService, 20, slots(20, "acme", "birch")...)
	r.host(share, pool.HostInService, 10, slots(10, "acme", "birch")...)
	r.host(share, pool.HostOrdered, 10)
	for _, id := range []pool.TenantID{"acme", "birch"} {
		r.tenant(id, pool.Tenant{State: pool.TenantReady, ReadyAt: noon, History: []pool.Entry{{At: noon, What: "ready", Why: "<b>it is served</b>"}}})
	}
	r.tenant("cobalt", pool.Tenant{State: pool.TenantWaiting, Seq: 1})
	r.dashboard(`{"widgets":[
		{"type":"text","x":0,"y":0,"width":24,"height":2,"properties":{"markdown":"# Tenants\nSee [the runbook](https://example.com/x), [ours](docs/runbooks.md#dead-letters), [a file](docs/operations.md) or [not](javascript:alert(1)), **now**: <img src=x>"}},
		{"type":"metric","x":0,"y":2,"width":12,"height":6,"properties":{"view":"timeSeries","stacked":true,"title":"Slots","metrics":[["H","Free",{"label":"free","stat":"Maximum","period":60}],["H","Taken",{"label":"taken","stat":"Maximum","period":60,"yAxis":"right"}]],"annotations":{"horizontal":[{"value":4,"label":"low"}]}}},
		{"type":"metric","x":12,"y":2,"width":6,"height":6,"properties":{"view":"singleValue","sparkline":true,"title":"Free","metrics":[["H","Free",{"label":"free","stat":"Maximum","period":60}]]}},
		{"type":"metric","x":18,"y":2,"width":6,"height":6,"properties":{"view":"gauge","title":"Full","metrics":[["H","Taken",{"label":"taken","stat":"Maximum","period":60}]],"yAxis":{"left":{"min":0,"max":10}}}},
		{"type":"alarm","x":0,"y":8,"width":24,"height":2,"properties":{"title":"Alarms","alarms":[]}}]}`)
	for i := range 30 {
		at := noon.Add(-time.Duration(30-i) * time.Minute)
		r.alarms.Metrics.Put(cloudwatch.Metric{Namespace: "H", Name: "Free"}, cloudwatch.Datum{At: at, Value: float64(20 - i%7)})
		r.alarms.Metrics.Put(cloudwatch.Metric{Namespace: "H", Name: "Taken"}, cloudwatch.Datum{At: at, Value: float64(i % 7)})
	}
	r.page.Tell(demo.News{Kind: demo.NewsNotice, Text: "people are notified", Body: "<script>alert(1)</script>"})
	r.page.Open()
	return r
}

// rings makes an alarm that is on.
func (r *rig) rings(name string) {
	r.t.Helper()
	_, err := r.alarms.Create(r.t.Context(), resource.Resource{Type: "AWS::CloudWatch::Alarm", LogicalID: name, Properties: map[string]any{
		"AlarmName": name, "Namespace": "H", "MetricName": "M", "Statistic": "Maximum", "Period": "60", "EvaluationPeriods": "1",
		"ComparisonOperator": "GreaterThanThreshold", "Threshold": "5",
	}})
	if err == nil {
		err = r.alarms.SetState(r.t.Context(), name, "ALARM", "for a test")
	}
	if err != nil {
		r.t.Fatal(err)
	}
}

func slots(n int, tenants ...pool.TenantID) []pool.Slot {
	list := make([]pool.Slot, n)
	for i := range list {
		list[i] = pool.Slot{Index: i + 1, Generation: 1, State: pool.SlotFree}
		if i < len(tenants) {
			list[i].State, list[i].Tenant = pool.SlotAssigned, tenants[i]
		}
	}
	return list
}

func TestTheRunbookIsAPageWithItsSections(t *testing.T) {
	r := lively(t)
	b := newTab(t, 390, 900, "light")
	b.do(chromedp.Navigate(r.server.URL + "/runbooks.html#dead-letters"))
	b.until(`document.querySelector("h3#dead-letters, h2#dead-letters") !== null`)
	b.is(`document.querySelectorAll("main img, main script").length`, "0")
	b.is(`[...document.querySelectorAll("main pre")].some((p) => p.textContent.includes("headroom dlq list"))`, "true")
	b.is(`document.documentElement.scrollWidth <= innerWidth`, "true")
	if said := b.said(); len(said) > 0 {
		t.Errorf("the browser complains: %q", said)
	}
}

func TestABrowserDrawsThePageAtEverySize(t *testing.T) {
	r := lively(t)
	for width, schemes := range map[int64][]string{320: {"dark"}, 390: {"light"}, 1440: {"light", "dark"}, 2560: {"light"}} {
		for _, scheme := range schemes {
			t.Run(fmt.Sprintf("%d %s", width, scheme), func(t *testing.T) {
				b := newTab(t, width, 900, scheme)
				b.do(chromedp.Navigate(r.server.URL))
				b.until(`document.querySelectorAll(".host").length === 3 && document.querySelector("#grid canvas") !== null`)
				b.is(`document.querySelectorAll(".host:first-child [data-state=assigned]").length`, "4")
				b.is(`document.querySelectorAll("[data-state=planned].slot").length`, "11") // with the sample
				b.is(`document.querySelectorAll(".guest").length`, "1")
				b.is(`document.querySelector(".singles b").textContent`, "19")
				b.is(`document.querySelectorAll(".widget").length`, "5")
				// Nothing sticks out of the window, nothing of what was read became markup, and links lead where they may.
				b.is(`document.documentElement.scrollWidth <= innerWidth`, "true")
				b.is(`document.querySelectorAll("#grid img, #feed script").length`, "0")
				b.is(`[...document.querySelectorAll("#grid a")].map((a) => a.href).join()`, "https://example.com/x,"+r.server.URL+"/runbooks.html#dead-letters")
				b.is(`getComputedStyle(document.body).backgroundColor === "rgb(12, 18, 24)"`, fmt.Sprint(scheme == "dark"))
				if said := b.said(); len(said) > 0 {
					t.Errorf("the browser complains: %q", said)
				}
			})
		}
	}
}

// A tile that says how much is free shows that, and not what is taken.
func TestTheBarOfATileIsWhatItSays(t *testing.T) {
	r := lively(t)
	b := newTab(t, 1440, 900, "light")
	b.do(chromedp.Navigate(r.server.URL))
	b.until(`document.querySelectorAll(".tile .meter").length === 2`)
	b.is(`[...document.querySelectorAll(".tile .meter")].map((m) => m.parentNode.querySelector("strong").textContent + " " + m.firstChild.style.width)`, "18 90%,8 40%")
}

func TestAnAlarmOfAHostThatIsBeingMadeIsNoTrouble(t *testing.T) {
	r := newRig(t)
	r.rings("headroom-dev-" + string(r.host(share, pool.HostPreparing, 10).ID) + "-status")
	r.rings("headroom-dev-" + string(r.host(share, pool.HostInService, 10).ID) + "-dirty")
	r.page.Open()
	b := newTab(t, 1440, 900, "light")
	b.do(chromedp.Navigate(r.server.URL))
	b.until(`document.getElementById("status").textContent === "1 alarm rings"`)
	b.is(`[...document.querySelectorAll("#alarmlist .ringing b")].map((e) => e.textContent.split("-").pop()).join()`, "dirty")
	b.is(`[...document.querySelectorAll("#alarmlist .pill")].map((e) => e.title.split(":")[0]).join()`, "ALARM, while its host is being made")
}

// A host that is being mended may ring no alarm any more, or none yet: it is not quiet all the same.
func TestThePageSaysWhatIsBeingMended(t *testing.T) {
	r := newRig(t)
	r.page.Open()
	first, second := r.host(share, pool.HostCordoned, 10), r.host(share, pool.HostInService, 10)
	b := newTab(t, 1440, 900, "light")
	b.do(chromedp.Navigate(r.server.URL))
	status := func(tone, text string) {
		t.Helper()
		b.until(fmt.Sprintf(`document.getElementById("status").dataset.tone === %q && document.getElementById("status").textContent === %q`, tone, text))
	}
	status("good", "all quiet")
	r.mend(first.ID)
	status("warn", string(first.ID)+" is being mended")
	r.mend(second.ID)
	status("warn", "2 hosts are being mended")
	r.rings("headroom-dev-" + string(first.ID) + "-status")
	status("bad", "1 alarm rings")
}

func TestThePageGoesByKeyboard(t *testing.T) {
	r := lively(t)
	b := newTab(t, 1440, 900, "light")
	b.do(chromedp.Navigate(r.server.URL))
	b.until(`!document.getElementById("one").disabled && document.querySelectorAll(".host").length === 3`)
	b.do(chromedp.KeyEvent("s"))
	b.until(`document.getElementById("toast").textContent === "maple signs up · follow it"`)
	b.do(chromedp.KeyEvent("t"))
	b.until(`document.documentElement.dataset.theme === "dark"`)
	b.do(chromedp.KeyEvent("/"))
	b.until(`document.activeElement.id === "filter"`)
	b.do(chromedp.KeyEvent("birch"))
	b.until(`document.querySelectorAll("#rows tr").length === 1`)
	b.do(chromedp.KeyEvent(kb.Escape))
	b.until(`document.querySelectorAll("#rows tr").length === 3`)
	b.do(chromedp.Focus(`.slot[data-tenant=acme]`), chromedp.KeyEvent(kb.Enter))
	b.until(`document.getElementById("detail").open && document.querySelector(".history li") !== null`)
	b.is(`document.querySelector(".history li span").textContent`, "<b>it is served</b>")
	b.do(chromedp.KeyEvent(kb.Escape))
	b.until(`!document.getElementById("detail").open`)
	b.press("kill")
	b.until(`document.getElementById("toast").textContent.startsWith("the machine of share-standard-1 is terminated")`)
	b.press("strain")
	b.until(`document.getElementById("strain").textContent === "End the overload"`)
	r.mu.Lock()
	defer r.mu.Unlock()
	if got := strings.Join(r.acted, ", "); got != "sign up maple 127.24.0.1, terminate share-standard-1, strain database-standard-1" {
		t.Errorf("acted: %s", got)
	}
	if said := b.said(); len(said) > 0 {
		t.Errorf("the browser complains: %q", said)
	}
}

func TestThePageSaysThatNothingAnswersAnyMore(t *testing.T) {
	r := lively(t)
	b := newTab(t, 1440, 900, "light")
	b.do(chromedp.Navigate(r.server.URL))
	b.until(`document.querySelectorAll(".host").length === 3`)
	r.server.Close()
	b.until(`document.getElementById("status").textContent === "the demo has ended" && document.getElementById("one").disabled`)
}

// Every duration beside the dashboard is by the watch of who looks, though the ledger and the queues tell the cloud's, and the page
// says so.
func TestDurationsAreByYourWatch(t *testing.T) {
	r := lively(t) // at 20 times the machine's speed
	// Ready after 10 seconds of the cloud; cobalt has waited for as long, by a clock that stands.
	r.queues["SignupQueue"] = sqs.State{Visible: 1, Oldest: 40 * time.Second, DeadLetters: "SignupDlq"}
	r.queues["SignupDlq"] = sqs.State{}
	b := newTab(t, 1440, 900, "light")
	b.do(chromedp.Navigate(r.server.URL))
	b.until(`document.querySelectorAll(".host").length === 3`)
	const words = `.textContent.replaceAll("\u00a0", " ")`
	b.is(`[...document.querySelectorAll(".tile p")].slice(0, 2).map((p) => p`+words+`).join("; ")`, "half of them within 0.50 s; longest 0.50 s")
	b.is(`document.querySelector(".guest small")`+words, "number 1, 0.50 s")
	b.is(`[...document.querySelectorAll("#rows td:nth-child(3)")].map((td) => td`+words+`).sort().join("; ")`, "0.50 s; 0.50 s; number 1, for 0.50 s")
	b.is(`document.querySelector("#queuerows td:nth-child(5)")`+words, "2.0 s")
	b.is(`document.getElementById("clocks")`+words+`.endsWith("the cloud's clock, 20 times as fast: a minute there is 3 s here.")`, "true")
	b.is(`document.getElementById("clocks").checkVisibility()`, "true")
}

// Whoever comes among the first dozen can be told from all others.
func TestColoursOfTenantsAreFarApart(t *testing.T) {
	r := newRig(t)
	var ids []pool.TenantID
	for i := range 12 {
		id := pool.TenantID(fmt.Sprintf("tenant-%d", i))
		r.tenant(id, pool.Tenant{State: pool.TenantReady, ReadyAt: noon})
		ids = append(ids, id)
	}
	r.host(share, pool.HostInService, 12, slots(12, ids...)...)
	for _, scheme := range []string{"light", "dark"} {
		b := newTab(t, 1440, 900, scheme)
		b.do(chromedp.Navigate(r.server.URL))
		b.until(`document.querySelectorAll(".slot[data-tenant^=tenant]").length === 12`)
		b.until(`[...document.querySelectorAll(".slot[data-tenant^=tenant]")].every((s) => !s.getAnimations().length)`)
		var near string
		b.do(chromedp.Evaluate(nearest, &near))
		var apart float64
		if _, err := fmt.Sscanf(near, "%g", &apart); err != nil || apart < 0.09 {
			t.Errorf("%s: the nearest two are %s apart in Oklab, want 0.09 or more", scheme, near)
		}
	}
}

// nearest is how far apart those two tenants' slots are that look most alike, as they are drawn, and whose they are.
const nearest = `(() => {
  const canvas = Object.assign(document.createElement("canvas"), { width: 1, height: 1 }).getContext("2d");
  const oklab = (colour) => {
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    const [r, g, b] = Array.from(canvas.getImageData(0, 0, 1, 1).data, (v) => v / 255 <= 0.04045 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4);
    const l = Math.cbrt(0.4122 * r + 0.5363 * g + 0.0514 * b), m = Math.cbrt(0.2119 * r + 0.6807 * g + 0.1074 * b), s = Math.cbrt(0.0883 * r + 0.2817 * g + 0.63 * b);
    return [0.2105 * l + 0.7936 * m - 0.0041 * s, 1.978 * l - 2.4286 * m + 0.4506 * s, 0.0259 * l + 0.7828 * m - 0.8087 * s];
  };
  const all = [...document.querySelectorAll(".slot[data-tenant^=tenant]")].map((s) => [s.dataset.tenant, oklab(getComputedStyle(s).backgroundColor)]);
  const pairs = all.flatMap(([a, x], i) => all.slice(i + 1).map(([b, y]) => [Math.hypot(...x.map((v, n) => v - y[n])), a, b]));
  return pairs.sort((a, b) => a[0] - b[0])[0].join(" ");
})()`
