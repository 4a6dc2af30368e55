package events

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

const (
	maxBody  = 1 << 20 // bytes of a message: SQS takes no more
	maxDepth = 32      // values within values: more than any message has
)

// What a body can be that is one JSON value and is refused all the same.
var (
	errTooLong = errors.New("it is too long")
	errTooDeep = errors.New("its values lie too deep in each other")
)

// Decode reads the body of a message of Headroom's own, or of an event of AWS's, of which a name has one meaning:
// names are taken exactly as they are, and none may be there twice. Names that are not known mean nothing, because
// AWS adds some, and so does a newer Headroom while an older one still runs.
func Decode(body []byte, into any) error {
	if err := checkShape(body, maxBody); err != nil {
		return err
	}
	return json.Unmarshal(body, into)
}

// checkShape reports what keeps a body from being read at all. A name may be there twice: whoever decodes it says which.
func checkShape(body []byte, limit int) error {
	if len(body) > limit {
		return fmt.Errorf("%w: it has %d bytes, and may have %d", errTooLong, len(body), limit)
	}
	decoder := jsontext.NewDecoder(bytes.NewBuffer(body), jsontext.AllowDuplicateNames(true)) // a buffer is not copied
	for {
		_, err := decoder.ReadToken()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if decoder.StackDepth() > maxDepth {
			return fmt.Errorf("%w: more than %d", errTooDeep, maxDepth)
		}
	}
}
