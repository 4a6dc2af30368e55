package endpoint

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
)

// encodeResult writes what an operation answered in the caller's protocol.
func encodeResult(p protocol, call Call, result any) answer {
	id := requestID()
	if raw, ok := result.(Raw); ok {
		return raw.answer(id)
	}
	switch p {
	case protocolCBOR:
		return answerCBOR(http.StatusOK, id, result)
	case protocolJSON, protocolREST:
		plain := plainJSON(result)
		if plain == nil {
			plain = map[string]any{}
		}
		body, err := json.Marshal(plain)
		if err != nil {
			return encodeError(p, err)
		}
		return answer{status: http.StatusOK, header: jsonHeader(call.Request, id), body: body}
	case protocolS3:
		if plainXML(result, "member") == nil {
			return answer{status: http.StatusNoContent, header: http.Header{"X-Amz-Request-Id": {id}}}
		}
		var x xmlWriter
		x.members(plainXML(result, "member")) // one member, which is the document
		return x.answer(http.StatusOK, id)
	case protocolEC2:
		var x xmlWriter
		x.open(call.Operation + "Response")
		x.element("requestId", id)
		x.members(plainXML(result, "item"))
		x.close(call.Operation + "Response")
		return x.answer(http.StatusOK, id)
	default:
		var x xmlWriter
		x.open(call.Operation + "Response")
		x.open(call.Operation + "Result")
		x.members(plainXML(result, "member"))
		x.close(call.Operation + "Result")
		x.open("ResponseMetadata")
		x.element("RequestId", id)
		x.close("ResponseMetadata")
		x.close(call.Operation + "Response")
		return x.answer(http.StatusOK, id)
	}
}

// encodeError writes an error in the caller's protocol. What is no *Error is our own failure.
func encodeError(p protocol, err error) answer {
	var e *Error
	if !errors.As(err, &e) {
		e = &Error{Code: "InternalFailure", Message: err.Error(), Status: http.StatusInternalServerError}
	}
	status := e.Status
	if status == 0 {
		status = http.StatusBadRequest
	}
	id := requestID()
	var x xmlWriter
	switch p {
	case protocolCBOR:
		return answerCBOR(status, id, errorMembers(e))
	case protocolJSON, protocolREST:
		body := errorMembers(e)
		encoded, err := json.Marshal(plainJSON(body))
		if err != nil {
			encoded = []byte(`{"__type":"InternalFailure"}`)
		}
		header := jsonHeader(nil, id)
		header.Set("X-Amzn-Errortype", e.Code)
		return answer{status: status, header: header, body: encoded}
	case protocolEC2:
		x.open("Response")
		x.open("Errors")
		x.open("Error")
		x.element("Code", e.Code)
		x.element("Message", e.Message)
		x.close("Error")
		x.close("Errors")
		x.element("RequestID", id)
		x.close("Response")
	case protocolS3:
		x.open("Error")
		x.element("Code", e.Code)
		x.element("Message", e.Message)
		x.element("RequestId", id)
		x.close("Error")
		reply := x.answer(status, id)
		for name, values := range e.Header {
			reply.header[name] = values
		}
		return reply
	default:
		fault := "Sender"
		if status >= http.StatusInternalServerError {
			fault = "Receiver"
		}
		x.open("ErrorResponse")
		x.open("Error")
		x.element("Type", fault)
		x.element("Code", e.Code)
		x.element("Message", e.Message)
		x.members(plainXML(e.Fields, "member"))
		x.close("Error")
		x.element("RequestId", id)
		x.close("ErrorResponse")
	}
	return x.answer(status, id)
}

// errorMembers are what the body of an error has.
func errorMembers(e *Error) map[string]any {
	body := map[string]any{"__type": e.Code, "message": e.Message}
	for name, value := range e.Fields {
		body[name] = value
	}
	return body
}

// jsonHeader answers in the version of the JSON protocol that the request came in.
func jsonHeader(req *http.Request, id string) http.Header {
	contentType := "application/x-amz-json-1.1"
	if req != nil && strings.HasPrefix(req.Header.Get("Content-Type"), "application/x-amz-json-1.0") {
		contentType = "application/x-amz-json-1.0"
	}
	header := http.Header{}
	header.Set("Content-Type", contentType)
	header.Set("X-Amzn-Requestid", id)
	return header
}
