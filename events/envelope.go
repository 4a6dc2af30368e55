package events

// Envelope is an event as an EventBridge rule delivers it. D is the type of
// its detail.
type Envelope[D any] struct {
	Version    string   `json:"version"` // EventBridge's own, "0"
	ID         string   `json:"id"`
	DetailType string   `json:"detail-type"`
	Source     string   `json:"source"`
	Account    string   `json:"account"`
	Time       Time     `json:"time"`
	Region     string   `json:"region"`
	Resources  []string `json:"resources"` // ARNs
	Detail     D        `json:"detail"`
}
