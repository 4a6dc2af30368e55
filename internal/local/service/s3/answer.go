package s3

import (
	"encoding/xml"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"headroom/internal/local/endpoint"
)

func refusal(code, message string, status int) error {
	return &endpoint.Error{Code: code, Message: message, Status: status}
}

// Refusals in S3's words ("Error responses" of its API reference).
var (
	errNoSuchBucket   = refusal("NoSuchBucket", "The specified bucket does not exist", http.StatusNotFound)
	errNoSuchUpload   = refusal("NoSuchUpload", "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.", http.StatusNotFound)
	errMalformedXML   = refusal("MalformedXML", "The XML you provided was not well-formed or did not validate against our published schema", http.StatusBadRequest)
	errPrecondition   = refusal("PreconditionFailed", "At least one of the pre-conditions you specified did not hold", http.StatusPreconditionFailed)
	errLocked         = refusal("AccessDenied", "Access Denied because object protected by object lock.", http.StatusForbidden)
	errNotImplemented = refusal("NotImplemented", "A header you provided implies functionality that is not implemented", http.StatusNotImplemented)
	errTooLarge       = refusal("EntityTooLarge", "Your proposed upload exceeds the maximum allowed size", http.StatusBadRequest)
)

func invalid(format string, args ...any) error {
	return refusal("InvalidArgument", fmt.Sprintf(format, args...), http.StatusBadRequest)
}

func invalidRequest(format string, args ...any) error {
	return refusal("InvalidRequest", fmt.Sprintf(format, args...), http.StatusBadRequest)
}

// document is an answer in XML, its elements in the order that S3 has them in.
type document struct{ strings.Builder }

const namespace = "http://s3.amazonaws.com/doc/2006-03-01/"

// newDocument begins one.
func newDocument(root string) *document {
	d := &document{}
	d.WriteString(xml.Header + "<" + root + ` xmlns="` + namespace + `">`)
	return d
}

func (d *document) open(name string)  { d.WriteString("<" + name + ">") }
func (d *document) close(name string) { d.WriteString("</" + name + ">") }

// element writes text. What XML can't hold is written as a reference to its number, which readers refuse: that
// is why lists can be asked for with encoding-type=url.
func (d *document) element(name, text string) {
	d.open(name)
	for _, r := range text {
		switch {
		case strings.ContainsRune(`&<>"`, r), inexpressible(r):
			fmt.Fprintf(d, "&#x%X;", r)
		default:
			d.WriteRune(r)
		}
	}
	d.close(name)
}

// key writes the key that a call is about. What S3 does there with what XML can't hold is unknown: here it is
// replaced, because the caller knows it.
func (d *document) key(key string) {
	d.element("Key", strings.Map(func(r rune) rune {
		if inexpressible(r) {
			return utf8.RuneError
		}
		return r
	}, key))
}

// inexpressible reports whether XML 1.0 has no way to write a character, or one that readers change.
func inexpressible(r rune) bool { return r < ' ' || r == 0xFFFE || r == 0xFFFF }

func (d *document) optional(name, text string) {
	if text != "" {
		d.element(name, text)
	}
}

func (d *document) number(name string, n int64) { d.element(name, strconv.FormatInt(n, 10)) }

func (d *document) time(name string, t time.Time) { d.element(name, timestamp(t)) }

// answer ends the root.
func (d *document) answer(root string) endpoint.Raw {
	d.close(root)
	return endpoint.Raw{Status: http.StatusOK, Header: http.Header{"Content-Type": {"application/xml"}}, Body: []byte(d.String())}
}

// empty is an answer that has a status and headers only.
func empty(status int, header http.Header) endpoint.Raw {
	return endpoint.Raw{Status: status, Header: header}
}

// timestamp words a time as documents have it.
func timestamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

// readXML decodes a request's document.
func readXML(body []byte, into any) error {
	if err := xml.Unmarshal(body, into); err != nil {
		return errMalformedXML
	}
	return nil
}

func param(call endpoint.Call, name string) string {
	s, _ := call.Params[name].(string)
	return s
}
