package events

// TypeInstanceEvent is the detail-type of InstanceEvent.
const TypeInstanceEvent = "RDS DB Instance Event"

// InstanceEvent is the detail of an event that RDS (source aws.rds) sends of an instance, at best: late, out of order, or not at
// all. Its resource is the ARN of the instance.
// https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_Events.Messages.html
type InstanceEvent struct {
	EventCategories  []string `json:"EventCategories"`  // such as "failover"
	SourceIdentifier string   `json:"SourceIdentifier"` // of the instance
	EventID          string   `json:"EventID"`          // such as "RDS-EVENT-0049"
	Message          string   `json:"Message"`          // in RDS's words
}
