package archive

import (
	"errors"
	"fmt"
	"io"
)

// differencesMost bounds how many differences are named.
const differencesMost = 20

// Comparison is how a bucket differs from a manifest.
type Comparison struct {
	Same        int64    // objects that are in the bucket as the manifest has them
	Differences []string // the first of them, in words
	Last        string   // key of the last object that was compared
}

// note names a difference, if not too many are named already.
func (c *Comparison) note(format string, args ...any) {
	if len(c.Differences) < differencesMost {
		c.Differences = append(c.Differences, fmt.Sprintf(format, args...))
	}
}

// Compare compares a manifest with what its bucket holds now, of the keys behind after. listed gives the current
// versions of all of those, by ascending key, and io.EOF at their end; Modified and Metadata are not compared, for a
// version does not change. With any other error of listed, that is returned, and Last says how far it came. At the
// end the manifest was read whole, so what was said of it is to be believed.
func Compare(m *ManifestReader, after string, listed func() (Object, error)) (c Comparison, err error) {
	c.Last = after
	has, err := m.objectAfter(after)
	if err != nil {
		return c, err
	}
	held, err := next(listed)
	if err != nil {
		return c, err
	}
	for has != nil || held != nil {
		key, takesHas, takesHeld := "", false, false
		switch {
		case held == nil || has != nil && has.Key < held.Key:
			c.note("%q is in the archive, and not in the bucket", has.Key)
			key, takesHas = has.Key, true
		case has == nil || held.Key < has.Key:
			c.note("%q is in the bucket, and not in the archive", held.Key)
			key, takesHeld = held.Key, true
		default:
			if has.Version == held.Version && has.Size == held.Size {
				c.Same++
			} else {
				c.note("%q is version %s of %d bytes in the bucket, and version %s of %d in the archive", has.Key, held.Version, held.Size, has.Version, has.Size)
			}
			key, takesHas, takesHeld = has.Key, true, true
		}
		c.Last = key
		if takesHas {
			if has, err = m.objectAfter(""); err != nil {
				return c, err
			}
		}
		if takesHeld {
			if held, err = next(listed); err != nil {
				return c, err
			}
		}
	}
	return c, nil
}

// objectAfter is the manifest's next object behind a key; nil when there is none, and the manifest was read to its end.
func (m *ManifestReader) objectAfter(after string) (*Object, error) {
	for {
		item, err := m.Next()
		if errors.Is(err, io.EOF) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		if item.Object != nil && (after == "" || item.Object.Key > after) {
			return item.Object, nil
		}
	}
}

func next(listed func() (Object, error)) (*Object, error) {
	o, err := listed()
	if errors.Is(err, io.EOF) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return &o, nil
}
