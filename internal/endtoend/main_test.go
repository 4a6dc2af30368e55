package endtoend

import (
	"flag"
	"os"
	"testing"
)

// atOnce is how many tests run at once, unless it is said: each has a cloud of its own, and waits for most of its time.
const atOnce = "6"

func TestMain(m *testing.M) {
	flag.Parse()
	said := false
	flag.Visit(func(f *flag.Flag) { said = said || f.Name == "test.parallel" })
	if !said {
		if err := flag.Set("test.parallel", atOnce); err != nil {
			panic(err)
		}
	}
	os.Exit(m.Run())
}
