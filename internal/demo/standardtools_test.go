package demo

import (
	"archive/zip"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"headroom/events"
)

// archived is a folder with an archive of a file and a dump, which is none.
func archived(t *testing.T) (folder string) {
	t.Helper()
	folder = t.TempDir()
	file, err := os.Create(filepath.Join(folder, archiveName))
	if err != nil {
		t.Fatal(err)
	}
	w := zip.NewWriter(file)
	for name, content := range map[string]string{dumpName: "no dump", "share/plan.txt": "a plan"} {
		entry, err := w.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Store})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := entry.Write([]byte(content)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	return folder
}

// spoil changes a byte of a file's content in the archive.
func spoil(t *testing.T, folder string) {
	t.Helper()
	name := filepath.Join(folder, archiveName)
	content, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	content = []byte(strings.Replace(string(content), "a plan", "a play", 1))
	if err := os.WriteFile(name, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestAnArchiveIsTestedBeforeOnesEyes(t *testing.T) {
	for name, says := range map[string]string{"with unzip": "$ unzip -t archive.zip", "without": "unzip is not installed here; Go's archive/zip finds the checksums of all 2 entries right"} {
		t.Run(name, func(t *testing.T) {
			if name == "without" {
				t.Setenv("PATH", t.TempDir())
			} else if _, err := exec.LookPath("unzip"); err != nil {
				t.Skip("there is no unzip here")
			}
			folder := archived(t)
			p, out := narrow(0, false)
			if err := (show{p: p}).unzip(t.Context(), folder); err != nil {
				t.Errorf("%v\n%s", err, out)
			}
			if !strings.Contains(out.String(), says) {
				t.Errorf("it says\n%s", out)
			}
			spoil(t, folder)
			if (show{p: p}).unzip(t.Context(), folder) == nil {
				t.Error("a byte is another, and nobody minds")
			}
		})
	}
}

func TestADumpThatCannotBeReadIsNoDump(t *testing.T) {
	folder := archived(t)
	if err := unpackDump(folder); err != nil {
		t.Fatal(err)
	}
	if content, err := os.ReadFile(filepath.Join(folder, dumpName)); err != nil || string(content) != "no dump" {
		t.Errorf("unpacked is %q, %v", content, err)
	}
	p, out := narrow(0, false)
	if (show{p: p}).restore(t.Context(), folder) == nil {
		t.Errorf("it is taken for one:\n%s", out)
	}
}

func TestWhatAToolSaysFitsTheScreen(t *testing.T) {
	p, out := narrow(60, false)
	p.ran("pg_restore --list database.dump", ";\n; Archive created at 2026\n\n3203; 2606 16395 CONSTRAINT app orders orders_pkey t_kark0j8v282n\n    testing: share/plan.txt           OK\n")
	want := `
   $ pg_restore --list database.dump
   3203; 2606 16395 CONSTRAINT app orders orders_pkey
     t_kark0j8v282n
       testing: share/plan.txt           OK
`
	if out.String() != want {
		t.Errorf("it says\n%s", out)
	}
}

func TestAnArchiveIsDownloadedWithItsChecksum(t *testing.T) {
	var asked string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = r.URL.Path + "?" + r.URL.Query().Get("versionId")
		_, _ = w.Write([]byte("an archive"))
	}))
	t.Cleanup(server.Close)
	cloud := fakeCloud{endpoint: server.URL}
	client := s3.NewFromConfig(cloud.AWS(), func(o *s3.Options) { o.UsePathStyle = true })
	file := filepath.Join(t.TempDir(), "to")
	sum, err := download(t.Context(), client, events.ArchiveRef{Bucket: "deep", Key: "acme.1/1.zip", VersionID: "v"}, file)
	if err != nil {
		t.Fatal(err)
	}
	want := sha256.Sum256([]byte("an archive"))
	if content, err := os.ReadFile(file); err != nil || string(content) != "an archive" || sum != hex.EncodeToString(want[:]) {
		t.Errorf("downloaded is %q with %s, %v", content, sum, err)
	}
	if asked != "/deep/acme.1/1.zip?v" {
		t.Errorf("asked for is %s", asked)
	}
}
