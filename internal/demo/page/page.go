// Package page is one local web page that shows a run of Headroom in the local cloud: the operators' dashboard, drawn
// from the body that CloudWatch has of it, with the metrics that the functions emitted; hosts with their slots, tenants,
// queues, alarms, and what happens, as it happens. It can send signups, and break things.
//
// It knows nothing that an operator of an account would not know, but for two things that a local cloud can show: every
// call of AWS that is made for a tenant, and the text of dead letters without their being received. It shows no secret.
package page

import (
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"

	"headroom/docs"
	"headroom/internal/demo"
	"headroom/internal/local/service/sqs"
	"headroom/internal/pool"
)

// assets are the page's own files, and under vendor the chart library, which the Makefile copies from npm's folder.
//
//go:embed assets
var assets embed.FS

// library is what the page needs of vendor.
var library = []string{"assets/vendor/uPlot.iife.min.js", "assets/vendor/uPlot.min.css"}

// ErrNoLibrary says that the program was built without the chart library.
var ErrNoLibrary = errors.New("the chart library is not in this program; make native builds one that has it")

// queues are SQS, looked at without receiving.
type queues interface {
	States(ctx context.Context) (map[string]sqs.State, error)
	Messages(ctx context.Context, queue string) ([]sqs.Message, error)
}

// actor does what the page's buttons are for.
type actor interface {
	// SignUp sends a signup, as a customer's side would.
	SignUp(ctx context.Context, id, address string) error
	// Terminate ends the machine of a share host's gateway.
	Terminate(ctx context.Context, host string) error
	// Strain has a database host be overloaded, or not any more.
	Strain(ctx context.Context, host string, on bool) error
}

// Config is what a page is made of. All fields are required.
type Config struct {
	AWS       aws.Config // of the account's owner
	Dashboard string     // its name, which is also the stage's prefix, such as headroom-dev
	Ledger    ledger
	Queues    queues
	Actor     actor
	Now       func() time.Time // by the cloud's clock
	Speed     float64          // of that clock
	Tier      string           // that the page's customers sign up for
}

// Page is one run's page. Its methods may be called at once.
type Page struct {
	Config
	monitoring monitoring
	began      time.Time
	open       atomic.Bool

	news     *ring[entry]
	ways     *ring[seen]
	failures *ring[failure]

	mu       sync.Mutex
	known    map[pool.TenantID]bool
	strained map[string]bool
	guests   int // that signed up by the page
	looked   time.Time
	last     state
}

// entry is a piece of news with its number and its time.
type entry struct {
	N  int   `json:"n"`
	At int64 `json:"at"`
	demo.News
}

// newsMost is how much news is kept.
const newsMost = 500

// New returns a page that takes no orders yet. It is ErrNoLibrary if it can't be drawn.
func New(c Config) (*Page, error) {
	for _, name := range library {
		if _, err := fs.Stat(assets, name); err != nil {
			return nil, ErrNoLibrary
		}
	}
	return &Page{
		Config: c, monitoring: monitoring{cloudwatch.NewFromConfig(c.AWS), c.Dashboard}, began: c.Now(),
		news: newRing[entry](newsMost), ways: newRing[seen](waysMost), failures: newRing[failure](failuresMost),
		known: map[pool.TenantID]bool{}, strained: map[string]bool{},
	}, nil
}

// Open lets the page's buttons do what they are for, which would disturb what a demo shows by itself.
func (p *Page) Open() { p.open.Store(true) }

// Tell takes in a piece of news.
func (p *Page) Tell(n demo.News) {
	if n.Tenant != "" {
		p.mu.Lock()
		p.known[pool.TenantID(n.Tenant)] = true
		p.mu.Unlock()
	}
	n.Text = strings.ReplaceAll(n.Text, p.Dashboard+"-", "") // which everything here begins with
	at := p.Now().UnixMilli()
	p.news.add(func(number int) entry { return entry{number, at, n} })
	if n.Kind == demo.NewsEvent && n.Tenant != "" {
		s := seen{step: step{At: time.Now().UnixMilli(), Who: "Headroom", Where: "event", What: n.Type}, text: n.Tenant}
		p.ways.add(func(int) seen { return s })
	}
}

// Serve serves the page on a listener, which is on loopback, until ctx ends.
func (p *Page) Serve(ctx context.Context, listener net.Listener) error {
	server := &http.Server{
		Handler: p.Handler(listener.Addr().String()), ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second,
		IdleTimeout: time.Minute, MaxHeaderBytes: 1 << 16,
	}
	stop := context.AfterFunc(ctx, func() { _ = server.Close() })
	defer stop()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve the page: %w", err)
	}
	return nil
}

// Handler serves the page at a host, such as "127.0.0.1:4580", and at no other.
func (p *Page) Handler(host string) http.Handler {
	files, _ := fs.Sub(assets, "assets") // the name is valid
	mux := http.NewServeMux()
	mux.Handle("GET /", http.FileServerFS(files))
	mux.HandleFunc("GET /docs/runbooks.md", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/markdown; charset=utf-8")
		_, _ = w.Write(docs.Runbooks) // who has gone away needs no answer
	})
	mux.HandleFunc("GET /api/state", answering(p.getState))
	mux.HandleFunc("GET /api/dashboard", answering(p.getDashboard))
	mux.HandleFunc("GET /api/tenants/{id}", answering(p.getTenant))
	mux.HandleFunc("POST /api/signups", answering(p.postSignups))
	mux.HandleFunc("POST /api/hosts/{id}/terminate", answering(p.postTerminate))
	mux.HandleFunc("POST /api/hosts/{id}/strain", answering(p.postStrain))
	return guard(host, strays(host, aws.ToString(p.AWS.BaseEndpoint)), mux)
}

// refusal is an answer that says no, in words for people.
type refusal struct {
	status int
	words  string
}

func (r refusal) Error() string { return r.words }

// answerTimeout bounds what one request may take.
const answerTimeout = 20 * time.Second

// answering answers in JSON.
func answering(answer func(*http.Request) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), answerTimeout)
		defer cancel()
		status := http.StatusOK
		body, err := answer(r.WithContext(ctx))
		if err != nil {
			status = http.StatusBadGateway
			if no := (refusal{}); errors.As(err, &no) {
				status = no.status
			}
			body = map[string]string{"error": err.Error()}
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(body) // who asked may have gone
	}
}
