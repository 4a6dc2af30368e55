// Package endpoint is the local cloud's one HTTP address: it tells which service and operation a
// request is for, checks it against the caller's policies, and hands it to a fake or a real part.
package endpoint

import (
	"context"
	"fmt"
	"io"
	"net/http"

	"headroom/internal/local/constraint"
)

// Call is one AWS API call as it arrived, its parameters decoded whatever the protocol.
type Call struct {
	Service   string         // signing name, such as "dynamodb" or "storagegateway"
	Operation string         // such as "PutItem"
	Params    map[string]any // JSON body, or query parameters folded into maps and lists (member.N and .N become []any)
	Principal string         // ARN of the caller's role; empty for the account owner's own credentials
	Request   *http.Request  // the request as it came, its body already read
	Body      []byte         // nil for PutObject and UploadPart of S3, whose body is still to be read from Request

	asQuery bool // it came in SQS's query protocol, and is answered in it
}

// Operation answers one API call. The result is marshalled by the service's protocol: as JSON, or
// for query services as XML (maps and structs become elements, lists become member or item elements).
// An error that is not an *Error is answered as InternalFailure, status 500.
type Operation func(ctx context.Context, call Call) (any, error)

// Raw is an operation's result that is no structure: sent as it is.
type Raw struct {
	Status int
	Header http.Header
	Body   []byte
	Stream io.ReadCloser // sent after Body and closed; nil if there is none. If it fails the connection is cut
}

func (r Raw) answer(id string) answer {
	header := r.Header.Clone()
	if header == nil {
		header = http.Header{}
	}
	header.Set("X-Amzn-Requestid", id)
	return answer{status: r.Status, header: header, body: r.Body, stream: r.Stream}
}

// Service is a fake: the operations in use. Any other operation is answered 501 and logged.
type Service struct {
	Name       string // signing name
	Operations map[string]Operation
}

// Error is an error as AWS words it.
type Error struct {
	Code    string         // such as "ResourceNotFoundException"
	Message string         // in AWS's words
	Status  int            // HTTP status; 0 means 400
	Fields  map[string]any // more members of the error's body, such as "error" of InvalidGatewayRequestException
	Header  http.Header    // more headers, such as S3's X-Amz-Delete-Marker
}

func (e *Error) Error() string { return fmt.Sprintf("%s: %s", e.Code, e.Message) }

// Refused is a refusal as an operation returns it; nil when there is none.
func Refused(r *constraint.Refusal) error {
	if r == nil {
		return nil
	}
	refused := &Error{Code: r.Code, Message: r.Message}
	if r.Inner != "" {
		refused.Fields = map[string]any{"error": map[string]any{"errorCode": r.Inner}}
	}
	return refused
}
