package demo

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
	"unsafe"
)

// narrow is a Printer on a screen of so many columns, and what it prints.
func narrow(columns int, colour bool) (*Printer, *bytes.Buffer) {
	var out bytes.Buffer
	p := NewPrinter(&out)
	p.screen.columns, p.screen.colour = func() int { return columns }, colour
	return p, &out
}

// widest is the longest line of a text, in characters.
func widest(text string) (most int) {
	for line := range strings.Lines(text) {
		most = max(most, len([]rune(strings.TrimSuffix(line, "\n"))))
	}
	return most
}

func TestTextIsFoldedBetweenWordsOnAScreenOnly(t *testing.T) {
	const text = "the schedule runs the pool check, which orders the first hosts"
	for columns, want := range map[int]string{
		0:   text,
		120: text,
		50:  "the schedule runs the pool check, which\n          orders the first hosts",
		10:  "the schedule runs\n          the pool check,\n          which orders the\n          first hosts", // some room there is always
	} {
		p, _ := narrow(columns, false)
		if got := p.screen.fold(text, 10); got != want {
			t.Errorf("in %d columns:\n%s", columns, got)
		}
	}
}

func TestAWordThatIsTooLongStaysWhole(t *testing.T) {
	p, _ := narrow(30, false)
	word := strings.Repeat("x", 40)
	if got := p.screen.fold("at "+word+" it is", 0); got != "at\n"+word+"\nit is" {
		t.Errorf("%q", got)
	}
}

func TestLinesFitTheScreen(t *testing.T) {
	for _, columns := range []int{60, 80, 120} {
		p, out := narrow(columns, false)
		p.Heading("the schedule runs the pool check, which orders the first hosts; they are built and made ready")
		p.Line("database-standard-1 is ordered: slots free 0 + provisioning 0, wanted: buffer 5 + waiting 0: hosts missing 1, ordered now 1")
		if got := widest(out.String()); got > columns {
			t.Errorf("%d columns are used of %d:\n%s", got, columns, out)
		}
	}
}

func TestOnlyATerminalHasAWidthAndColours(t *testing.T) {
	unset := func(string) string { return "" }
	set := func(name, value string) func(string) string {
		return func(asked string) string {
			if asked == name {
				return value
			}
			return ""
		}
	}
	file, err := os.Create(t.TempDir() + "/out")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	for name, s := range map[string]screen{"a buffer": screenOf(&bytes.Buffer{}, unset), "a file": screenOf(file, unset)} {
		if s.colour || s.columns() != 0 {
			t.Errorf("%s has colours: %v, and %d columns", name, s.colour, s.columns())
		}
	}
	for name, test := range map[string]struct {
		environment func(string) string
		colour      bool
	}{
		"a terminal":                {unset, true},
		"a terminal with NO_COLOR":  {set("NO_COLOR", "1"), false},
		"a terminal that is no use": {set("TERM", "dumb"), false},
	} {
		if s := screenOf(terminal(t, 73), test.environment); s.colour != test.colour || s.columns() != 73 {
			t.Errorf("%s has colours: %v, and %d columns", name, s.colour, s.columns())
		}
	}
}

func TestColoursTakeNoRoom(t *testing.T) {
	plain, without := narrow(60, false)
	coloured, with := narrow(60, true)
	for _, p := range []*Printer{plain, coloured} {
		p.Heading("each tenant's storage is its own, however narrow the screen may be on which it is said")
		p.table(tenants(3))
		_ = p.verdict([]Proof{{Kind: "a tenant writes and reads its own database, with its password"}})
	}
	stripped := with.String()
	for _, st := range []style{bold, faint, red, green} {
		stripped = strings.ReplaceAll(stripped, "\x1b["+string(st)+"m", "")
	}
	if stripped = strings.ReplaceAll(stripped, "\x1b[0m", ""); stripped != without.String() || stripped == with.String() {
		t.Errorf("with colours\n%s\nwithout\n%s", with, without)
	}
}

// terminal is a pseudo-terminal with so many columns.
func terminal(t *testing.T, columns uint16) *os.File {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("there are no pseudo-terminals here: %v", err)
	}
	t.Cleanup(func() { _ = master.Close() })
	control := func(file *os.File, request uintptr, argument unsafe.Pointer) {
		if _, _, errno := syscall.Syscall(syscall.SYS_IOCTL, file.Fd(), request, uintptr(argument)); errno != 0 {
			t.Fatal(errno)
		}
	}
	var unlocked, number int32
	control(master, syscall.TIOCSPTLCK, unsafe.Pointer(&unlocked))
	control(master, syscall.TIOCGPTN, unsafe.Pointer(&number))
	slave, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = slave.Close() })
	size := struct{ rows, columns, x, y uint16 }{rows: 24, columns: columns}
	control(slave, syscall.TIOCSWINSZ, unsafe.Pointer(&size))
	return slave
}
