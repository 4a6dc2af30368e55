package archive

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

var made = time.Date(2026, 11, 26, 12, 0, 0, 123456789, time.UTC)

var sampleHeader = Header{
	Tenant: "acme", Mark: "k3v9x2m7qa", ShareMark: "share-standard-1/k3v9x2m7qa/1/0", DatabaseMark: "db-standard-1/k3v9x2m7qa/3/0",
	Bucket: "headroom-share", Attempt: "2", Made: made,
}

// source is what an archive is made of.
type source struct {
	objects []Object
	content map[string]string
	dump    []byte
	tables  []Table
}

func (s *source) add(key, content string) {
	if s.content == nil {
		s.content = map[string]string{}
	}
	s.content[key] = content
	s.objects = append(s.objects, Object{
		Key: key, Version: fmt.Sprintf("v%d", len(s.objects)), Size: int64(len(content)), Modified: made.Add(-time.Hour),
		Metadata: map[string]string{"file-owner": "1000", "file-permissions": "0644", "file-mtime": "1700000000000000000ns"},
	})
}

// sample has what matters to the form in a few hundred bytes.
func sample() *source {
	s := &source{dump: []byte("PGDMP and what follows"), tables: []Table{{"app", "orders", 10, true}, {"app", "Ünï", 0, false}}}
	s.add("a.txt", strings.Repeat("content ", 20))
	s.add("empty", "")
	s.add("folder/", "")
	s.add("folder/日本語", "x")
	s.add("\xff../../etc", "no text")
	return s
}

// archived is an archive as it lies in a bucket.
type archived struct {
	zip, manifest []byte
	totals        Totals
	manifestSum   string
}

func (s *source) archive(t testing.TB) archived {
	t.Helper()
	slices.SortFunc(s.objects, func(a, b Object) int { return strings.Compare(a.Key, b.Key) })
	var to, manifest bytes.Buffer
	w, err := NewWriter(&to, &manifest, sampleHeader)
	check(t, err)
	for _, o := range s.objects {
		_, err := w.Object(o, strings.NewReader(s.content[o.Key]))
		check(t, err)
	}
	if s.dump != nil {
		_, err := w.Database(Database{Name: "t_4711", ServerVersion: "15.9", Bytes: 8 << 20}, bytes.NewReader(s.dump))
		check(t, err)
		for _, table := range s.tables {
			check(t, w.Table(table))
		}
	}
	totals, sum, err := w.Finish()
	check(t, err)
	check(t, w.Close(bytes.NewReader(manifest.Bytes())))
	return archived{zip: to.Bytes(), manifest: manifest.Bytes(), totals: totals, manifestSum: sum}
}

// verification is that of an archive, without what is known of it beside.
func (a archived) verification() Verification {
	return Verification{
		Zip:      bytes.NewReader(a.zip),
		Manifest: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(a.manifest)), nil },
	}
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// noise is content that can't be packed.
func noise(n int) string {
	out := make([]byte, n)
	draw := rand.New(rand.NewPCG(1, 2))
	for i := range out {
		out[i] = byte(draw.Uint32())
	}
	return string(out)
}

// zeros is a sparse file: as long as it says, and nowhere.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}
