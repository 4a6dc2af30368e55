package page

import (
	"bufio"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

var (
	shots = flag.String("shots", "", "a folder, from the top of the repository, where pictures of the page of a demo go; empty: none are taken")
	at    = flag.String("at", "", "the page of a demo that runs already and has something to show")
)

// top is the repository's, from here.
const top = "../../.."

// TestPicturesOfADemo takes the pictures of README, which make screenshots asks for, of a demo in which a good deal
// happens: twenty sign up, a gateway dies, and a database is overloaded until its alarm rings.
func TestPicturesOfADemo(t *testing.T) {
	if *shots == "" {
		t.Skip("make screenshots takes pictures")
	}
	url := *at
	wide := newTab(t, 1440, 1000, "light")
	if url == "" {
		url = startDemo(t)
		wide.do(chromedp.Navigate(url))
		press := func(id string) {
			wide.until(fmt.Sprintf(`!document.getElementById(%q).disabled`, id))
			wide.do(chromedp.Evaluate(fmt.Sprintf(`document.getElementById(%q).click()`, id), nil))
		}
		wide.patiently(2*time.Minute, `!document.getElementById("one").disabled`)
		press("strain")
		press("ten")
		wide.patiently(2*time.Minute, `document.querySelectorAll(".guest").length === 0 && document.querySelectorAll(".host[data-kind=share] [data-state=assigned]").length >= 22`)
		wide.patiently(4*time.Minute, `document.querySelector(".host[data-kind=database][data-tone=bad]") !== null`)
		press("kill")
		press("ten")
		wide.patiently(2*time.Minute, `document.querySelectorAll(".guest").length === 0 && [...document.querySelectorAll(".host .pill")].some((p) => p.textContent === "being mended")`)
	}
	for _, picture := range []struct {
		name, scheme  string
		width, height int64
	}{
		{"wide-light", "light", 1440, 1560}, {"wide-dark", "dark", 1440, 1560}, {"phone-light", "light", 390, 844}, {"phone-dark", "dark", 390, 844},
	} {
		b := newTab(t, picture.width, picture.height, picture.scheme)
		b.do(chromedp.Navigate(url))
		b.until(`document.querySelectorAll(".host").length > 0 && document.querySelector("#grid canvas") !== null`)
		var png []byte
		b.do(chromedp.Sleep(1500*time.Millisecond), chromedp.CaptureScreenshot(&png)) // what moves has come to rest
		name := filepath.Join(top, *shots, picture.name+".png")
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, png, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// startDemo runs a demo until the test ends, and returns where its page is.
func startDemo(t *testing.T) string {
	t.Helper()
	cmd := exec.Command("dist/headroom", "demo", "--page", "127.0.0.1:0")
	cmd.Dir, cmd.Stderr = top, t.Output()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	url := make(chan string, 1)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			if _, found, ok := strings.Cut(lines.Text(), "see it all at "); ok {
				url <- found
			}
		}
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGINT)
		<-ended
		_ = cmd.Wait()
	})
	select {
	case found := <-url:
		return found
	case <-ended:
		t.Fatal("the demo ended before it had a page")
	case <-time.After(time.Minute):
		t.Fatal("the demo has no page")
	}
	return ""
}
