package nfs

import (
	"context"
	"encoding/binary"
	"errors"
	"slices"
	"testing"
	"time"

	"headroom/internal/pool"
)

// Heads of replies, behind the transaction's ID (RFC 5531, section 9).
var (
	done         = []uint32{1, 0, 0, 0, 0}
	otherVersion = []uint32{1, 0, 0, 0, 2, 3, 3} // accepted, but only version 3 is there
	noProgram    = []uint32{1, 0, 0, 0, 1}
	broken       = []uint32{1, 0, 0, 0, 5}
	denied       = []uint32{1, 1, 1, 1}
)

// answer is a server that answers a call of each connection, by the call's version, and hangs on versions that it has no
// answer for. It returns the calls that it got, without their transactions' IDs.
func answer(t *testing.T, answers map[uint32][]uint32) (port int, calls func() [][]uint32) {
	t.Helper()
	l := listen(t)
	got := make(chan []uint32, 10)
	over := make(chan struct{})
	t.Cleanup(func() { close(over) })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			call, err := record(c)
			if err != nil || len(call) < 24 {
				_ = c.Close()
				continue
			}
			var words []uint32
			for at := 4; at < 24; at += 4 {
				words = append(words, binary.BigEndian.Uint32(call[at:]))
			}
			got <- words
			head, ok := answers[words[3]]
			if !ok {
				go func() { <-over; _ = c.Close() }()
				continue
			}
			reply := append([]byte{0, 0, 0, 0}, call[:4]...)
			for _, word := range head {
				reply = binary.BigEndian.AppendUint32(reply, word)
			}
			binary.BigEndian.PutUint32(reply, uint32(len(reply)-4)|lastFragment)
			_, _ = c.Write(reply)
			_ = c.Close()
		}
	}()
	return portOf(l), func() [][]uint32 {
		var calls [][]uint32
		for {
			select {
			case call := <-got:
				calls = append(calls, call)
			default:
				return calls
			}
		}
	}
}

func TestNullProvesThatAServerAnswers(t *testing.T) {
	for _, test := range []struct {
		name    string
		answers map[uint32][]uint32
		serves  bool
		calls   int
	}{
		{"version 4", map[uint32][]uint32{4: done}, true, 1},
		{"version 3 alone", map[uint32][]uint32{4: otherVersion, 3: done}, true, 2},
		{"another program", map[uint32][]uint32{4: noProgram, 3: noProgram}, false, 2},
		{"it can't", map[uint32][]uint32{4: broken}, false, 1},
		{"it does not let it in", map[uint32][]uint32{4: denied}, false, 1},
		{"half a reply", map[uint32][]uint32{4: done[:3]}, false, 1},
		{"it hangs", nil, false, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			port, calls := answer(t, test.answers)
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			if test.answers == nil {
				ctx, cancel = context.WithTimeout(t.Context(), time.Second)
			}
			defer cancel()
			err := (&Client{Port: port}).Null(ctx, "127.0.0.1")
			if (err == nil) != test.serves || !test.serves && !errors.Is(err, pool.ErrUnreachable) {
				t.Errorf("%v", err)
			}
			got := calls()
			if test.answers == nil && len(got) == 0 {
				return // a slow machine
			}
			if len(got) != test.calls || !slices.Equal(got[0], []uint32{0, 2, 100003, 4, 0}) {
				t.Errorf("it was called %v", got)
			}
		})
	}
}

func TestNobodyWhoListensServesNothing(t *testing.T) {
	l := listen(t)
	port := portOf(l)
	_ = l.Close()
	if err := (&Client{Port: port}).Null(t.Context(), "127.0.0.1"); !errors.Is(err, pool.ErrUnreachable) {
		t.Errorf("%v", err)
	}
}

// Nobody has to let this client into a share.
func TestTheLocalApplianceServes(t *testing.T) {
	host, open := launch(t, nil)
	client := Client{Source: task, Port: appliancePort}
	open(other)
	if err := client.Null(t.Context(), host); err != nil {
		t.Error(err)
	}
}
