// Package events is Headroom's contract with the world: every message and
// event that comes in or goes out has one Go type, one JSON Schema and one
// sample, held together by this package's tests.
//
// What comes in is read tolerantly: fields that nobody asked for are ignored.
// What goes out is exact: a consumer may validate against the schema and
// refuse anything else.
package events

// Version is the version of every message and event of Headroom's own. A
// change that an existing consumer could stumble over gets a new one.
const Version = "1"

// Source is the EventBridge source of every event that Headroom publishes.
const Source = "headroom"

// Event is what goes out on the bus: the detail of an event whose source is
// Source and whose detail-type is DetailType.
type Event interface {
	DetailType() string
}
