package operator

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"strings"

	"github.com/aws/smithy-go"

	"headroom/internal/adapter/awsclient"
)

// Kind is what kind of failure it is; the command's exit status tells them apart.
type Kind int

const (
	// Other is a failure of no other kind.
	Other Kind = iota
	// Missing means that what was asked about is not there.
	Missing
	// Denied means that the caller lacks a permission.
	Denied
	// Refused means that it may not be done as things are: nothing was changed.
	Refused
	// Unreachable means that AWS, or the local cloud, was not reached, or nobody could sign the request.
	Unreachable
	// Nothing means that what was asked for came to nothing.
	Nothing
	// Usage means that what was asked can't be meant: nothing was asked.
	Usage
)

// strayCode is how the page of a demo answers who takes it for the local cloud beside it.
const strayCode = "ThisIsThePage"

// Failure is an error with what to do about it.
type Failure struct {
	Kind Kind
	Err  error
	Do   string // a sentence or two; empty where there is nothing to say
}

func (f *Failure) Error() string { return f.Err.Error() }

func (f *Failure) Unwrap() error { return f.Err }

func missing(do, format string, args ...any) error {
	return &Failure{Kind: Missing, Err: fmt.Errorf(format, args...), Do: do}
}

func refused(do, format string, args ...any) error {
	return &Failure{Kind: Refused, Err: fmt.Errorf(format, args...), Do: do}
}

func mistaken(do, format string, args ...any) error {
	return &Failure{Kind: Usage, Err: fmt.Errorf(format, args...), Do: do}
}

func nothing(do, format string, args ...any) error {
	return &Failure{Kind: Nothing, Err: fmt.Errorf(format, args...), Do: do}
}

// Explain makes a Failure of an error that AWS answered with, or that kept AWS from answering. Others are Other; a
// Failure is itself; nil is nil.
func Explain(err error) *Failure {
	var known *Failure
	var api smithy.APIError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &known):
		return known
	case errors.As(err, &api) && api.ErrorCode() == strayCode:
		return &Failure{Kind: Usage, Err: errors.New(api.ErrorMessage()), Do: "Give that address to --endpoint, or AWS_ENDPOINT_URL."}
	case isDenied(err):
		return &Failure{Kind: Denied, Err: err, Do: "Reading takes the policy in the stack's output ReadOnlyPolicyArn, changing the one in OperatorPolicyArn beside it: " +
			"have them attached to the role or user that you are, or take other credentials (--profile)."}
	case isUnsigned(err):
		return &Failure{Kind: Unreachable, Err: err, Do: "No usable credentials were found: set AWS_PROFILE or --profile, or log in (aws sso login)."}
	case isUnreached(err):
		return &Failure{Kind: Unreachable, Err: err, Do: "Nothing answered: look at the network, at --region, and of a local cloud at --endpoint (make demo prints it, and it must still run)."}
	}
	return &Failure{Err: err}
}

func isDenied(err error) bool { return awsclient.IsDenied(err) }

func isUnsigned(err error) bool {
	switch awsclient.Code(err) {
	case "ExpiredToken", "ExpiredTokenException", "InvalidClientTokenId", "UnrecognizedClientException", "SignatureDoesNotMatch", "MissingAuthenticationToken":
		return true
	}
	text := err.Error()
	return strings.Contains(text, "get credentials") || strings.Contains(text, "failed to refresh cached credentials") ||
		strings.Contains(text, "failed to get shared config profile")
}

func isUnreached(err error) bool {
	var network net.Error
	var file *fs.PathError // has the methods of a network's error
	return errors.As(err, &network) && !errors.As(err, new(smithy.APIError)) && !errors.As(err, &file)
}
