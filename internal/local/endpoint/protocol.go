package endpoint

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// protocol is how a service's calls are written on the wire.
type protocol string

const (
	protocolJSON  protocol = "json"  // X-Amz-Target and a JSON body
	protocolQuery protocol = "query" // Action=… in a form, XML answers
	protocolEC2   protocol = "ec2"   // query with EC2's own XML
	protocolS3    protocol = "s3"    // REST with XML
	protocolREST  protocol = "rest"  // REST with JSON
	protocolCBOR  protocol = "cbor"  // Smithy RPC v2: the operation in the path, CBOR both ways
)

// protocolOf tells a request's protocol by what it carries.
func protocolOf(req *http.Request, service string) protocol {
	switch {
	case req.Header.Get("Smithy-Protocol") == smithyCBOR:
		return protocolCBOR
	case restRoutes[service] != nil:
		return protocolREST
	case req.Header.Get("X-Amz-Target") != "":
		return protocolJSON
	case service == "s3":
		return protocolS3
	case service == "ec2":
		return protocolEC2
	case strings.HasPrefix(req.Header.Get("Content-Type"), "application/x-www-form-urlencoded"), req.URL.Query().Has("Action"):
		return protocolQuery
	default:
		return protocolJSON
	}
}

// decode makes a Call of a request.
func decode(p protocol, service string, req *http.Request, body []byte) (Call, error) {
	call := Call{Service: service, Request: req, Body: body}
	switch p {
	case protocolS3:
		call.Operation, call.Params = readS3(req)
	case protocolREST:
		return call, readREST(&call)
	case protocolCBOR:
		return call, readCBOR(&call)
	case protocolQuery, protocolEC2:
		form, err := url.ParseQuery(string(body))
		if err != nil {
			return call, &Error{Code: "MalformedQueryString", Message: fmt.Sprintf("The query string is malformed: %v", err)}
		}
		for name, values := range req.URL.Query() {
			form[name] = append(form[name], values...)
		}
		call.Operation = form.Get("Action")
		call.Params = foldForm(form)
	default:
		target := req.Header.Get("X-Amz-Target")
		call.Operation = target[strings.LastIndex(target, ".")+1:]
		if call.Operation == "" {
			call.Operation = req.Method + " " + req.URL.Path
			return call, nil // a REST protocol that no service here speaks: answered 501
		}
		if len(body) > 0 {
			if err := json.Unmarshal(body, &call.Params); err != nil {
				return call, &Error{Code: "SerializationException", Message: fmt.Sprintf("request body is no JSON object: %v", err)}
			}
		}
	}
	if call.Params == nil {
		call.Params = map[string]any{}
	}
	return call, nil
}

// requestID makes an identifier in the shape of AWS's request ids.
func requestID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	h := hex.EncodeToString(b[:])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}
