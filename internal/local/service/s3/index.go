package s3

import (
	"slices"
	"strings"
)

// index holds what a bucket has under each key, and the keys in the order of their UTF-8 bytes, in which S3
// lists them. Keys are put in order when somebody lists, so that many writes cost little.
type index[T any] struct {
	entries map[string]T
	keys    []string // in order; some may have gone from entries
	fresh   []string // since then
	gone    int      // how many of keys and fresh
}

func (i *index[T]) get(key string) T { return i.entries[key] }

func (i *index[T]) put(key string, entry T) {
	if i.entries == nil {
		i.entries = map[string]T{}
	}
	if _, known := i.entries[key]; !known {
		i.fresh = append(i.fresh, key)
	}
	i.entries[key] = entry
}

func (i *index[T]) remove(key string) {
	if _, known := i.entries[key]; known {
		delete(i.entries, key)
		i.gone++
	}
}

// fewGone is how many keys that are gone may be left among the others.
const fewGone = 1000

// sorted are the keys in order, among which some may have gone.
func (i *index[T]) sorted() []string {
	if len(i.fresh) == 0 && i.gone <= fewGone {
		return i.keys
	}
	slices.Sort(i.fresh)
	merged := make([]string, 0, len(i.entries))
	add := func(key string) {
		_, there := i.entries[key]
		if there && (len(merged) == 0 || merged[len(merged)-1] != key) { // a key that came back is in both
			merged = append(merged, key)
		}
	}
	old := i.keys
	for _, key := range i.fresh {
		for len(old) > 0 && old[0] <= key {
			add(old[0])
			old = old[1:]
		}
		add(key)
	}
	for _, key := range old {
		add(key)
	}
	i.keys, i.fresh, i.gone = merged, nil, 0
	return merged
}

// walk goes over the keys that begin with prefix, from one on, and gives each to visit until it returns false.
// Of keys with a delimiter after the prefix only what they have in common up to it is given, once, with
// common set. Keys whose entries don't count are left out.
func (i *index[T]) walk(prefix, delimiter, from string, counts func(T) bool, visit func(key string, common bool) bool) {
	keys := i.sorted()
	at, _ := slices.BinarySearch(keys, max(prefix, from))
	for at < len(keys) {
		key := keys[at]
		if !strings.HasPrefix(key, prefix) {
			return
		}
		if entry, there := i.entries[key]; !there || !counts(entry) {
			at++
			continue
		}
		if end := strings.Index(key[len(prefix):], delimiter); delimiter != "" && end >= 0 {
			common := key[:len(prefix)+end+len(delimiter)]
			if !visit(common, true) {
				return
			}
			at, _ = slices.BinarySearch(keys, beyond(common))
			continue
		}
		if !visit(key, false) {
			return
		}
		at++
	}
}

// after is the first key that can follow one that was listed, or what many keys had in common.
func after(marker, prefix, delimiter string) string {
	if marker == "" {
		return ""
	}
	if delimiter != "" && strings.HasPrefix(marker, prefix) && strings.Index(marker[len(prefix):], delimiter) == len(marker)-len(prefix)-len(delimiter) {
		return beyond(marker)
	}
	return marker + "\x00"
}

// beyond is the first text that does not begin with prefix and comes after all that do.
func beyond(prefix string) string {
	return prefix[:len(prefix)-1] + string([]byte{prefix[len(prefix)-1] + 1})
}
