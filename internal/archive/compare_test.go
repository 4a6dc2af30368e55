package archive

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
)

// listing lists objects as a bucket does, and fails before the one with a key.
func listing(objects []Object, failAt string) func() (Object, error) {
	objects = slices.Clone(objects)
	slices.SortFunc(objects, func(a, b Object) int { return strings.Compare(a.Key, b.Key) })
	return func() (Object, error) {
		if len(objects) == 0 {
			return Object{}, io.EOF
		}
		o := objects[0]
		if o.Key == failAt {
			return Object{}, errTired
		}
		objects = objects[1:]
		return o, nil
	}
}

var errTired = errors.New("time is over")

func manifestOf(t *testing.T, a archived) *ManifestReader {
	t.Helper()
	m, err := NewManifestReader(bytes.NewReader(a.manifest))
	check(t, err)
	return m
}

func TestABucketIsComparedWithItsManifest(t *testing.T) {
	for name, test := range map[string]struct {
		change func(objects []Object) []Object
		want   []string
	}{
		"as it was": {func(o []Object) []Object { return o }, nil},
		"one overwritten": {
			func(o []Object) []Object { o[1].Version = "later"; return o },
			[]string{`"empty" is version later of 0 bytes in the bucket, and version v1 of 0 in the archive`},
		},
		"one of another size": {
			func(o []Object) []Object { o[0].Size++; return o },
			[]string{`"a.txt" is version v0 of 161 bytes in the bucket, and version v0 of 160 in the archive`},
		},
		"one missing": {func(o []Object) []Object { return slices.Delete(o, 2, 3) }, []string{`"folder/" is in the archive, and not in the bucket`}},
		"one more at the end": {
			func(o []Object) []Object { return append(o, Object{Key: "\xff\xff", Version: "v", Size: 1}) },
			[]string{`"\xff\xff" is in the bucket, and not in the archive`},
		},
		"one more at the beginning": {
			func(o []Object) []Object { return append(o, Object{Key: "A", Version: "v"}) },
			[]string{`"A" is in the bucket, and not in the archive`},
		},
		"another in its place": {
			func(o []Object) []Object { o[1].Key = "emptx"; return o },
			[]string{`"emptx" is in the bucket, and not in the archive`, `"empty" is in the archive, and not in the bucket`},
		},
		"nothing left": {func([]Object) []Object { return nil }, []string{
			`"a.txt" is in the archive, and not in the bucket`, `"empty" is in the archive, and not in the bucket`, `"folder/" is in the archive, and not in the bucket`,
			`"folder/日本語" is in the archive, and not in the bucket`, `"\xff../../etc" is in the archive, and not in the bucket`,
		}},
	} {
		t.Run(name, func(t *testing.T) {
			s := sample()
			a := s.archive(t)
			got, err := Compare(manifestOf(t, a), "", listing(test.change(slices.Clone(s.objects)), ""))
			if err != nil || !slices.Equal(got.Differences, test.want) {
				t.Errorf("differences %q, %v", got.Differences, err)
			}
			if len(test.want) == 0 && got.Same != int64(len(s.objects)) {
				t.Errorf("%d are the same", got.Same)
			}
		})
	}
}

func TestAComparisonGoesOnWhereItEnded(t *testing.T) {
	s := sample()
	a := s.archive(t)
	for i, o := range s.objects {
		first, err := Compare(manifestOf(t, a), "", listing(s.objects, o.Key))
		if !errors.Is(err, errTired) {
			t.Fatal(err)
		}
		rest := s.objects[i:]
		if first.Last != "" { // one was listed ahead
			rest = slices.DeleteFunc(slices.Clone(s.objects), func(o Object) bool { return o.Key <= first.Last })
		}
		second, err := Compare(manifestOf(t, a), first.Last, listing(rest, ""))
		if err != nil || len(second.Differences) > 0 || first.Same+second.Same != int64(len(s.objects)) {
			t.Errorf("after %q: %+v, %v", first.Last, second, err)
		}
	}
}

func TestAManifestThatIsCutOffIsComparedWithNothing(t *testing.T) {
	s := sample()
	a := s.archive(t)
	lines := bytes.SplitAfter(a.manifest, []byte("\n"))
	m, err := NewManifestReader(bytes.NewReader(bytes.Join(lines[:len(lines)-2], nil)))
	check(t, err)
	if _, err := Compare(m, "", listing(s.objects, "")); err == nil {
		t.Error("it was believed")
	}
}
