package archive

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// manyNames are what a zip and a disk can be asked.
func manyNames() *source {
	s := sample()
	for i := range 3000 {
		s.add(fmt.Sprintf("many/%d/%04d", i%7, i), strings.Repeat("x", i%50))
	}
	for _, key := range []string{
		"..", "../..", "/absolute", `C:\windows`, `back\slash`, "a//b", "ends/", "ends/in", "control\x01\x1f\x7f\n", "CON", "nul.txt", "trailing.", "trailing ",
		"README", "Readme", "readme", "u\u0308", "ü", "file", "file/below", "日本語/ファイル", "العربية", "עברית", "हिन्दी", "ไทย", "🙂/🏳️‍🌈", "100%", "%41", "a;1", "a;2", "a;", "&amp;", ";;", ";3/b", "a;1b", "1",
		strings.Repeat("ä", 127) + "x", strings.Repeat("\x01", 255), strings.Repeat("k", 1024), strings.Repeat("語", 341) + "k",
		strings.Repeat("\x02", 1024), strings.Repeat("d/", 511) + "dd", "manifest.jsonl", "database.dump", "noise",
	} {
		s.add(key, "content of "+key)
	}
	s.add("large noise", noise(1<<20))
	return s
}

// onDisk is an archive as a file, with what Verify says of it.
func onDisk(t *testing.T, s *source) string {
	t.Helper()
	a := s.archive(t)
	if _, err := Verify(a.verification()); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "archive.zip")
	check(t, os.WriteFile(file, a.zip, 0o600))
	return file
}

// tool returns a program that judges, or skips the test.
func tool(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skipf("%s is not installed, so it can't judge", name)
	}
	return path
}

func TestUnzipTakesIt(t *testing.T) {
	unzip, s := tool(t, "unzip"), manyNames()
	file := onDisk(t, s)
	out, err := exec.Command(unzip, "-tq", file).CombinedOutput()
	if err != nil || !strings.Contains(string(out), "No errors detected") {
		t.Fatalf("%v\n%s", err, out)
	}
	// What is unpacked is what was archived, under names that lead back to the keys.
	dir := t.TempDir()
	unpack := exec.Command(unzip, "-qq", file, "-d", dir)
	unpack.Env = append(os.Environ(), "LC_ALL=C.UTF-8")
	if out, err := unpack.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	seen := 0
	check(t, filepath.Walk(filepath.Join(dir, "share"), func(path string, info os.FileInfo, err error) error {
		if err != nil || info.IsDir() {
			return err
		}
		name, err := filepath.Rel(filepath.Join(dir, "share"), path)
		check(t, err)
		key, err := Key(name)
		check(t, err)
		got, err := os.ReadFile(path)
		check(t, err)
		if want, ok := s.content[key]; !ok || want != string(got) {
			t.Errorf("%q holds %.40q, want %.40q", key, got, want)
		}
		seen++
		return nil
	}))
	if want := len(s.objects) - 1; seen != want { // one is a folder
		t.Errorf("%d files were unpacked, want %d", seen, want)
	}
}

func TestPythonTakesIt(t *testing.T) {
	python, s := tool(t, "python3"), manyNames()
	out, err := exec.Command(python, "-c", `
import hashlib, json, sys, zipfile
z = zipfile.ZipFile(sys.argv[1])
assert z.testzip() is None
print(json.dumps({n: hashlib.sha256(z.read(n)).hexdigest() for n in z.namelist()}))
lines = [json.loads(l) for l in z.read("manifest.jsonl").splitlines()]
assert lines[0]["kind"] == "archive" and lines[-1]["kind"] == "end"
for l in lines:
    if "sha256" in l:
        assert hashlib.sha256(z.read(l["name"])).hexdigest() == l["sha256"], l
`, onDisk(t, s)).Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	var sums map[string]string
	check(t, json.Unmarshal(out, &sums))
	if want := len(s.objects) + 2; len(sums) != want {
		t.Errorf("Python sees %d entries, want %d", len(sums), want)
	}
}

// Go's own reader goes by the directory, which Verify does not.
func TestGoTakesIt(t *testing.T) {
	s := manyNames()
	a := s.archive(t)
	z, err := zip.NewReader(bytes.NewReader(a.zip), int64(len(a.zip)))
	check(t, err)
	for _, f := range z.File {
		name, ok := strings.CutPrefix(f.Name, ShareFolder)
		if !ok {
			continue
		}
		key, err := Key(name)
		check(t, err)
		in, err := f.Open()
		check(t, err)
		got, err := io.ReadAll(in)
		if err != nil || string(got) != s.content[key] {
			t.Errorf("%q holds %.40q, %v", key, got, err)
		}
	}
	if want := len(s.objects) + 2; len(z.File) != want {
		t.Errorf("there are %d entries, want %d", len(z.File), want)
	}
}
