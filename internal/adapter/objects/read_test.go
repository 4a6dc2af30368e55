package objects

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"headroom/internal/pool"
)

// text is content in which no two spans are alike.
func text(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteByte(byte('a' + i*i%26))
	}
	return b.String()
}

func TestAnObjectIsReadWhole(t *testing.T) {
	for _, size := range []int{0, 1, 9, 10, 11, 20, 37} { // a span has 10
		w := newWorld(t)
		want := text(size)
		ref := w.put(t, share, "key", want)
		w.put(t, share, "key", "newer")
		in, stored, err := w.Open(t.Context(), ref, int64(size))
		check(t, err)
		if err := iotest.TestReader(in, []byte(want)); err != nil {
			t.Errorf("%d bytes: %v", size, err)
		}
		if stored.Version != ref.Version || stored.Size != int64(size) || stored.Metadata["file-owner"] != "1000" || stored.Class != "STANDARD" || !stored.Modified.Equal(noon) {
			t.Errorf("%d bytes: stored %+v", size, stored)
		}
		if got, want := w.calls["GetObject"], max(1, (size+9)/10); got != want {
			t.Errorf("%d bytes: %d requests, want %d", size, got, want)
		}
		check(t, in.Close())
	}
}

func TestAnObjectIsReadWholeWhoseSizeIsNotKnown(t *testing.T) {
	for _, size := range []int{0, 1, 10, 25} {
		w := newWorld(t)
		ref := w.put(t, share, "key", text(size))
		w.put(t, share, "key", "newer")
		got, err := w.content(t, ref, pool.SizeUnknown)
		if err != nil || got != text(size) {
			t.Errorf("%d bytes: read %q, %v", size, got, err)
		}
		if got, err = w.content(t, pool.ObjectRef{Bucket: share, Key: "key"}, pool.SizeUnknown); err != nil || got != "newer" {
			t.Errorf("the current one: read %q, %v", got, err)
		}
	}
	w := newWorld(t)
	if _, err := w.content(t, pool.ObjectRef{Bucket: share, Key: "missing"}, pool.SizeUnknown); !errors.Is(err, pool.ErrNoObject) {
		t.Errorf("what is not there: %v", err)
	}
}

func TestWhatIsCurrentStaysTheSameToItsEnd(t *testing.T) {
	w := newWorld(t)
	want := text(25)
	ref := w.put(t, share, "key", want)
	in, stored, err := w.Open(t.Context(), pool.ObjectRef{Bucket: share, Key: "key"}, 25)
	check(t, err)
	w.put(t, share, "key", strings.ToUpper(want))
	got, err := io.ReadAll(in)
	if err != nil || string(got) != want || stored.Version != ref.Version {
		t.Errorf("read %q of %s, %v", got, stored.Version, err)
	}
}

// A connection that breaks off after each few bytes only takes longer.
func TestABodyThatBreaksOffIsGoneOnWith(t *testing.T) {
	for cut := int64(3); cut <= 11; cut++ {
		w := newWorld(t)
		want := text(57)
		ref := w.put(t, share, "key", want)
		w.fake.Cut = func(string, string) int64 { return cut }
		got, err := w.content(t, ref, 57)
		if err != nil || got != want {
			t.Errorf("cut after %d: read %q, %v", cut, got, err)
		}
		if cut < 10 && len(w.slept) == 0 {
			t.Errorf("cut after %d: never waited", cut)
		}
		for i, d := range w.slept {
			if d < firstPause/2 || d > longestPause {
				t.Errorf("pause %d took %s", i, d)
			}
		}
	}
}

func TestABodyThatAlwaysBreaksOffIsAnError(t *testing.T) {
	w := newWorld(t)
	ref := w.put(t, share, "key", text(57))
	w.fake.Cut = func(_, span string) int64 {
		if span == "bytes=20-29" {
			return 0
		}
		return -1
	}
	got, err := w.content(t, ref, 57)
	if !errors.Is(err, io.ErrUnexpectedEOF) || got != text(57)[:20] {
		t.Errorf("read %q, %v", got, err)
	}
	if n := w.calls["GetObject"]; n != 2+spanTries {
		t.Errorf("%d requests", n)
	}
	if len(w.slept) != spanTries-1 || w.slept[1] <= w.slept[0] {
		t.Errorf("pauses %v", w.slept)
	}
}

func TestWhatCantBeRead(t *testing.T) {
	w := newWorld(t)
	ref := w.put(t, share, "key", text(25))
	marker := w.hide(t, share, "key")
	for _, test := range []struct {
		name string
		ref  pool.ObjectRef
		size int64
		want error
	}{
		{"no such key", pool.ObjectRef{Bucket: share, Key: "missing"}, 5, pool.ErrNoObject},
		{"no such version", pool.ObjectRef{Bucket: share, Key: "key", Version: strings.Repeat("0", 32)}, 25, pool.ErrNoObject},
		{"a key that is hidden", pool.ObjectRef{Bucket: share, Key: "key"}, 25, pool.ErrNoObject},
		{"a delete marker", marker, 0, pool.ErrNoObject},
		{"one that is longer", ref, 24, errOther},
		{"one that is shorter", ref, 26, errOther},
		{"one that is not empty", ref, 0, errOther},
	} {
		if _, err := w.content(t, test.ref, test.size); !errors.Is(err, test.want) {
			t.Errorf("%s: got %v, want %v", test.name, err, test.want)
		}
	}
	for _, test := range []pool.ObjectRef{{Bucket: share, Key: "key"}, marker, {Bucket: share, Key: "missing"}} {
		if _, err := w.Head(t.Context(), test); !errors.Is(err, pool.ErrNoObject) {
			t.Errorf("head %+v: %v", test, err)
		}
	}
	if _, err := w.content(t, pool.ObjectRef{Bucket: "missing", Key: "key"}, 5); err == nil || errors.Is(err, pool.ErrNoObject) {
		t.Errorf("no bucket: %v", err)
	}
}

func TestTheEndOfTheReadersTimeIsTheEnd(t *testing.T) {
	w := newWorld(t)
	ref := w.put(t, share, "key", text(57))
	ctx, cancel := context.WithCancel(t.Context())
	in, _, err := w.Open(ctx, ref, 57)
	check(t, err)
	_, err = io.ReadFull(in, make([]byte, 15))
	check(t, err)
	cancel()
	if _, err := io.ReadAll(in); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestASmallObjectIsReadAtOnce(t *testing.T) {
	w := newWorld(t)
	w.put(t, share, "key", text(25))
	ref := pool.ObjectRef{Bucket: share, Key: "key"}
	got, stored, err := w.ReadAll(t.Context(), ref, 25)
	if err != nil || string(got) != text(25) || stored.Size != 25 {
		t.Errorf("read %q, %+v, %v", got, stored, err)
	}
	if _, _, err := w.ReadAll(t.Context(), ref, 24); err == nil {
		t.Error("more than is expected was read")
	}
}
