package gateway

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"time"
	"unicode"

	"headroom/internal/pool"
)

const (
	// importTimeout is the deadline of one request for an import.
	importTimeout = 30 * time.Second
	// importBodyMax bounds what is read of an answer, in bytes.
	importBodyMax = 64 << 10
	// saidMax bounds what is told of an answer, in characters.
	saidMax = 300
	// imported is what the body of an answer says when the import is done.
	imported = "Successfully imported Storage Gateway information"
)

var (
	// gatewayIDPattern is what the ID of a gateway looks like, which goes into a query.
	gatewayIDPattern = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^sgw-[0-9A-F]+$`) })
	tagPattern       = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`<[^>]*>`) })
)

// Import has the appliance at address, which is new and not activated, take over a gateway from its old root and its
// cache disks, which are attached to it ("Replacing your existing S3 File Gateway with a new instance" in the user guide,
// method 1). When that is done, the gateway runs some minutes later.
//
// pool.ErrBooting while the appliance refuses connections, does not answer in time, or answers as its web server does
// before what is behind it is up: with a status of 500 or more, or without a word. pool.ErrRefused, with what it says, when
// it does not take over: with a disk missing or too many it never will, and neither a second time. So who asks again, as
// after an answer that got lost, looks at the gateway after a refusal too.
func (a *Appliances) Import(ctx context.Context, address, gatewayID string) error {
	if !gatewayIDPattern().MatchString(gatewayID) {
		return fmt.Errorf("import a gateway at %s: %q is no ID of a gateway", address, gatewayID)
	}
	ctx, cancel := context.WithTimeout(ctx, importTimeout)
	defer cancel()
	answer, err := a.get(ctx, address, "/migrate", url.Values{"gatewayId": {gatewayID}})
	if err != nil {
		return fmt.Errorf("import gateway %s at %s: %w: %w", gatewayID, address, pool.ErrBooting, err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(io.LimitReader(answer.Body, importBodyMax))
	if err != nil {
		return fmt.Errorf("import gateway %s at %s: %w: %w", gatewayID, address, pool.ErrBooting, err)
	}
	said := told(string(body))
	switch {
	case answer.StatusCode >= 500 || said == "" && answer.StatusCode == http.StatusOK:
		return fmt.Errorf("import gateway %s at %s: %w: status %d %s", gatewayID, address, pool.ErrBooting, answer.StatusCode, said)
	case answer.StatusCode == http.StatusOK && strings.Contains(string(body), imported):
		return nil
	}
	return fmt.Errorf("import gateway %s at %s: %w: status %d: %s", gatewayID, address, pool.ErrRefused, answer.StatusCode, said)
}

// told is what a page says, in one line that can be put into a record: without its tags, bounded.
func told(page string) string {
	text := tagPattern().ReplaceAllString(strings.ToValidUTF8(page, "?"), " ")
	words := strings.FieldsFunc(text, func(r rune) bool { return unicode.IsSpace(r) || !unicode.IsPrint(r) })
	if line := []rune(strings.Join(words, " ")); len(line) > saidMax {
		return string(line[:saidMax]) + "…"
	}
	return strings.Join(words, " ")
}
