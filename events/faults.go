package events

import (
	"errors"
	"sync"
)

// parsers are those of what comes from outside, by type.
var parsers = sync.OnceValue(func() map[string]func([]byte) error {
	return map[string]func([]byte) error{
		TypeSignupRequested:         errorOf(ParseSignupRequested),
		TypeInstanceChangeRequested: errorOf(ParseInstanceChangeRequested),
		TypeDecommissionRequested:   errorOf(ParseDecommissionRequested),
		TypeUndoRequested:           errorOf(ParseUndoRequested),
		TypeDepartureRequest:        errorOf(ParseDepartureRequest),
		TypeRestoreRequest:          errorOf(ParseRestoreRequest),
		TypeRestoreUndo:             errorOf(ParseRestoreUndo),
		TypeMoveRequest:             errorOf(ParseMoveRequest),
		TypeRecoverRequest:          errorOf(ParseRecoverRequest),
		TypeSlotRequest:             errorOf(ParseSlotRequest),
	}
})

func errorOf[M any](parse func([]byte) (M, error)) func([]byte) error {
	return func(body []byte) error {
		_, err := parse(body)
		return err
	}
}

// Faults are all that is unacceptable of a message from outside by itself, whatever there is besides: it is refused for the
// first. Of other messages nothing is said.
func Faults(body []byte) []*FieldError {
	parse := parsers()[TypeOf(body)]
	if parse == nil {
		return nil
	}
	err := parse(body)
	var all FieldErrors
	if errors.As(err, &all) {
		return all
	}
	var one *FieldError
	if errors.As(err, &one) {
		return []*FieldError{one}
	}
	return nil
}
