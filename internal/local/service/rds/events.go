package rds

import (
	"context"
	"slices"
	"time"

	"headroom/internal/local/endpoint"
	"headroom/internal/local/weakjson"
)

// eventsKept is for how long DescribeEvents knows of an event.
const eventsKept = 14 * 24 * time.Hour

// event is what happened to an instance.
type event struct {
	identifier, arn   string
	category, message string
	at                time.Time // by Clock
}

// Events, with their categories and words (user guide, "Amazon RDS event categories and event messages").
const (
	eventBackingUp     = "RDS-EVENT-0001"
	eventBackedUp      = "RDS-EVENT-0002"
	eventDeleted       = "RDS-EVENT-0003"
	eventShutdown      = "RDS-EVENT-0004"
	eventCreated       = "RDS-EVENT-0005"
	eventRestarted     = "RDS-EVENT-0006"
	eventStorageFull   = "RDS-EVENT-0007"
	eventFailover      = "RDS-EVENT-0013"
	eventReset         = "RDS-EVENT-0016"
	eventStorageGrown  = "RDS-EVENT-0017"
	eventStorageGrows  = "RDS-EVENT-0018"
	eventRestored      = "RDS-EVENT-0019"
	eventBackupsOff    = "RDS-EVENT-0028"
	eventFailed        = "RDS-EVENT-0031"
	eventBackupsOn     = "RDS-EVENT-0032"
	eventFailoverEnded = "RDS-EVENT-0049"
	eventDatabases     = "RDS-EVENT-0056"
	eventResetFailed   = "RDS-EVENT-0067"
	eventStopped       = "RDS-EVENT-0087"
	eventStarted       = "RDS-EVENT-0088"
	eventStorageLow    = "RDS-EVENT-0089"
)

var categories = map[string]string{
	eventBackingUp: "backup", eventBackedUp: "backup", eventDeleted: "deletion", eventShutdown: "availability", eventCreated: "creation",
	eventRestarted: "availability", eventStorageFull: "low storage", eventFailover: "failover", eventReset: "configuration change",
	eventStorageGrown: "configuration change", eventStorageGrows: "configuration change", eventRestored: "restoration",
	eventBackupsOff: "configuration change", eventFailed: "failure", eventBackupsOn: "configuration change", eventFailoverEnded: "failover",
	eventDatabases: "notification", eventResetFailed: "configuration change", eventStopped: "notification", eventStarted: "notification", eventStorageLow: "low storage",
}

// emit sends an event of an instance, as RDS words it, and remembers it.
func (r *RDS) emit(i *instance, id, message string) {
	now := r.cfg.Clock.Now()
	r.mu.Lock()
	identifier, arn, tags := i.identifier, r.arn(i.identifier), map[string]string{}
	for key, value := range i.tags {
		tags[key] = value
	}
	r.events = append(r.events, event{identifier: identifier, arn: arn, category: categories[id], message: message, at: now})
	r.events = slices.DeleteFunc(r.events, func(e event) bool { return now.Sub(e.at) > eventsKept })
	r.mu.Unlock()
	if r.cfg.Emit == nil {
		return
	}
	r.cfg.Emit(r.life, "aws.rds", "RDS DB Instance Event", []string{arn}, map[string]any{
		"EventCategories": []string{categories[id]}, "SourceType": "DB_INSTANCE", "SourceArn": arn, "SourceIdentifier": identifier,
		"Date": now.UTC().Format("2006-01-02T15:04:05.000Z"), "Message": message, "EventID": id, "Tags": tags,
	})
}

// defaultDuration is how far back DescribeEvents looks, in minutes.
const defaultDuration = 60

// describeEvents answers DescribeEvents, the oldest first.
func (r *RDS) describeEvents(_ context.Context, call endpoint.Call) (any, error) {
	var input struct {
		SourceIdentifier string         `json:"SourceIdentifier"`
		SourceType       string         `json:"SourceType"`
		StartTime        *time.Time     `json:"StartTime"`
		EndTime          *time.Time     `json:"EndTime"`
		Duration         weakjson.Int   `json:"Duration"`
		EventCategories  weakjson.Texts `json:"EventCategories"`
		page
	}
	if err := decode(call, &input); err != nil {
		return nil, err
	}
	if input.SourceIdentifier != "" && input.SourceType == "" {
		return nil, refused("InvalidParameterCombination", "Cannot specify source identifier without source type")
	}
	end := r.cfg.Clock.Now()
	if input.EndTime != nil {
		end = *input.EndTime
	}
	if input.Duration == 0 {
		input.Duration = defaultDuration
	}
	begin := end.Add(-time.Duration(input.Duration) * time.Minute)
	if input.StartTime != nil {
		begin = *input.StartTime
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	list := []any{}
	for _, e := range r.events {
		switch {
		case e.at.Before(begin), e.at.After(end):
		case input.SourceType != "" && input.SourceType != "db-instance":
		case input.SourceIdentifier != "" && identifierOf(input.SourceIdentifier) != e.identifier:
		case len(input.EventCategories) > 0 && !slices.Contains(input.EventCategories, e.category):
		default:
			list = append(list, map[string]any{
				"SourceIdentifier": e.identifier, "SourceType": "db-instance", "SourceArn": e.arn, "Message": e.message, "Date": e.at,
				"EventCategories": endpoint.List{Element: "EventCategory", Items: []any{e.category}},
			})
		}
	}
	return input.cut("Events", "Event", list)
}
