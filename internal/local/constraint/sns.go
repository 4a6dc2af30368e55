package constraint

import "strings"

const (
	subjectMax      = 100
	notificationMax = 256 << 10 // bytes
)

// Notification is what SNS refuses of a message to people. A subject is printable ASCII on one line that
// does not begin with a space; nil is none.
func Notification(subject *string, message string, attributes ...string) *Refusal {
	length := len(message) // with the names, types and values of its attributes
	for _, part := range attributes {
		length += len(part)
	}
	switch {
	case subject != nil && !isSubject(*subject):
		return &Refusal{Code: "InvalidParameter", Message: "Invalid parameter: Subject"}
	case message == "":
		return &Refusal{Code: "InvalidParameter", Message: "Invalid parameter: Empty message"}
	case length > notificationMax:
		return &Refusal{Code: "InvalidParameter", Message: "Invalid parameter: Message too long"}
	}
	return nil
}

func isSubject(subject string) bool {
	odd := strings.ContainsFunc(subject, func(r rune) bool { return r < ' ' || r > '~' })
	return subject != "" && len(subject) <= subjectMax && !odd && subject[0] != ' '
}
