package constraint

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"
)

const (
	delayMax      = 900     // seconds
	messageMax    = 1 << 20 // bytes, of body and attributes
	attributesMax = 10
)

// Attribute is an attribute of a message in SQS.
type Attribute struct {
	Type   string // begins with "String", "Number" or "Binary"
	String string
	Binary []byte
}

// Message is what SQS refuses of a message.
func Message(body string, delay int, attributes map[string]Attribute) *Refusal {
	if body == "" {
		return &Refusal{Code: "MissingParameter", Message: "The request must contain the parameter MessageBody."}
	}
	if delay < 0 || delay > delayMax {
		return badValue("Value %d for parameter DelaySeconds is invalid. Reason: DelaySeconds must be >= 0 and <= %d.", delay, delayMax)
	}
	if !sendable(body) {
		return &Refusal{Code: "InvalidMessageContents", Message: "Invalid characters found. Valid unicode characters are #x9 | #xA | #xD | #x20 to #xD7FF and #xE000 to #xFFFD."}
	}
	if len(attributes) > attributesMax {
		return badValue("Number of message attributes [%d] exceeds the allowed maximum [%d].", len(attributes), attributesMax)
	}
	size := len(body)
	for _, name := range slices.Sorted(maps.Keys(attributes)) {
		a := attributes[name]
		if r := a.refusal(name); r != nil {
			return r
		}
		size += len(name) + len(a.Type) + len(a.String) + len(a.Binary)
	}
	if size > messageMax {
		return badValue("One or more parameters are invalid. Reason: Message must be shorter than %d bytes.", messageMax)
	}
	return nil
}

func (a Attribute) refusal(name string) *Refusal {
	kind, _, _ := strings.Cut(a.Type, ".")
	switch kind {
	case "String", "Number":
		if a.String == "" {
			return badValue("Message (user) attribute '%s' must contain a non-empty value of type '%s'.", name, kind)
		}
	case "Binary":
		if len(a.Binary) == 0 {
			return badValue("Message (user) attribute '%s' must contain a non-empty value of type '%s'.", name, kind)
		}
	default:
		return badValue("The type of message (user) attribute '%s' is invalid. You must use only the following supported type prefixes: Binary, Number, String.", name)
	}
	if !sendable(a.String) {
		return badValue("Invalid characters found in attribute '%s'. Valid unicode characters are #x9 | #xA | #xD | #x20 to #xD7FF and #xE000 to #xFFFD.", name)
	}
	return nil
}

func badValue(format string, args ...any) *Refusal {
	return &Refusal{Code: "InvalidParameterValue", Message: fmt.Sprintf(format, args...)}
}

// sendable reports whether a text has only characters that SQS takes: those of XML.
func sendable(text string) bool {
	return utf8.ValidString(text) && !strings.ContainsFunc(text, func(r rune) bool {
		return r < ' ' && r != '\t' && r != '\n' && r != '\r' || r == 0xFFFE || r == 0xFFFF
	})
}
