// Package logs is the local CloudWatch Logs: the groups of the deployed templates, and what functions
// write to them, in memory.
package logs

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"headroom/internal/local/endpoint"
	"headroom/internal/local/resource"
	"headroom/internal/local/weakjson"
)

// Config is what the fake needs. Account and Region are required.
type Config struct {
	Account string
	Region  string
	Keep    int              // how many events of a group are kept, the newest; default 50,000
	Now     func() time.Time // default time.Now
}

// Logs is the fake. Its methods may be called at once.
type Logs struct {
	cfg Config

	mu     sync.Mutex
	groups map[string]*group
}

// group is a log group with its events, in the order in which they came.
type group struct {
	name, class string
	retention   int // days; 0: for ever
	key         string
	created     time.Time
	streams     map[string]*stream
	events      []event
	next        int // the number of the next event
	bytes       int // all that was ever stored
}

type stream struct {
	name                 string
	created, first, last time.Time
	ingested             time.Time
}

// event is a line of a log.
type event struct {
	number       int
	stream       string
	at, ingested time.Time
	message      string
}

// New returns a fake without groups.
func New(cfg Config) *Logs {
	if cfg.Keep == 0 {
		cfg.Keep = 50_000
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return &Logs{cfg: cfg, groups: map[string]*group{}}
}

// Service answers CloudWatch Logs' API.
func (l *Logs) Service() endpoint.Service {
	return endpoint.Service{Name: "logs", Operations: map[string]endpoint.Operation{
		"DescribeLogGroups":  l.describeGroups,
		"DescribeLogStreams": l.describeStreams,
		"FilterLogEvents":    l.filterEvents,
		"GetLogEvents":       l.getEvents,
	}}
}

// Types lists the resource types that Create and Delete know.
func Types() []string { return []string{"AWS::Logs::LogGroup"} }

// Create makes a group, or changes what it keeps for how long.
func (l *Logs) Create(_ context.Context, r resource.Resource) (resource.Created, error) {
	var properties struct {
		RetentionInDays weakjson.Int
		KmsKeyID        string `json:"KmsKeyId"`
		LogGroupClass   string
	}
	if err := weakjson.Decode(r.Properties, &properties); err != nil {
		return resource.Created{}, err
	}
	name := r.Name("LogGroupName")
	l.mu.Lock()
	defer l.mu.Unlock()
	g := l.groupLocked(name)
	g.retention, g.key = int(properties.RetentionInDays), properties.KmsKeyID
	if properties.LogGroupClass != "" {
		g.class = properties.LogGroupClass
	}
	return resource.Created{PhysicalID: name, Attributes: map[string]any{"Arn": l.arn(name) + ":*"}}, nil
}

// Delete removes a group.
func (l *Logs) Delete(_ context.Context, r resource.Resource) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.groups, r.PhysicalID)
	return nil
}

// Put writes a line to a stream. Group and stream are made if they are not there.
func (l *Logs) Put(groupName, streamName string, at time.Time, message string) {
	now := l.cfg.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	g := l.groupLocked(groupName)
	s := g.streams[streamName]
	if s == nil {
		s = &stream{name: streamName, created: now, first: at}
		g.streams[streamName] = s
	}
	if at.After(s.last) {
		s.last = at
	}
	s.ingested = now
	g.events = append(g.events, event{number: g.next, stream: streamName, at: at, ingested: now, message: message})
	g.next++
	g.bytes += len(message) + perEvent
	if extra := len(g.events) - l.cfg.Keep; extra > l.cfg.Keep/10 { // seldom, so that it costs little
		g.events = append([]event(nil), g.events[extra:]...)
	}
}

// Exists reports whether there is a group: some who write make none.
func (l *Logs) Exists(groupName string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.groups[groupName] != nil
}

// Lines returns what a stream holds, for who looks on from outside.
func (l *Logs) Lines(groupName, streamName string) []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var lines []string
	if g := l.groups[groupName]; g != nil {
		for _, e := range g.events {
			if e.stream == streamName {
				lines = append(lines, e.message)
			}
		}
	}
	return lines
}

// perEvent is what CloudWatch Logs counts for an event beside its message.
const perEvent = 26

func (l *Logs) groupLocked(name string) *group {
	g := l.groups[name]
	if g == nil {
		g = &group{name: name, class: "STANDARD", created: l.cfg.Now(), streams: map[string]*stream{}}
		l.groups[name] = g
	}
	return g
}

// find finds a group by its name or ARN; the caller holds the lock.
func (l *Logs) find(nameOrARN string) (*group, error) {
	name := nameOrARN
	if _, rest, ok := strings.Cut(nameOrARN, ":log-group:"); ok {
		name = strings.TrimSuffix(rest, ":*")
	}
	g := l.groups[name]
	if g == nil {
		return nil, &endpoint.Error{Code: "ResourceNotFoundException", Message: "The specified log group does not exist."}
	}
	return g, nil
}

func (l *Logs) arn(groupName string) string {
	return fmt.Sprintf("arn:aws:logs:%s:%s:log-group:%s", l.cfg.Region, l.cfg.Account, groupName)
}
