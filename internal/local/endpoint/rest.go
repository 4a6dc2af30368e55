package endpoint

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// restRoute tells an operation of a REST service by its method and path. A part of the path in braces is a
// parameter.
type restRoute struct {
	method, path, operation string
}

// restRoutes are the operations in use of the services whose protocol is REST with JSON.
var restRoutes = map[string][]restRoute{
	"lambda": {
		{http.MethodGet, "/2015-03-31/functions", "ListFunctions"},
		{http.MethodGet, "/2015-03-31/functions/{FunctionName}", "GetFunction"},
		{http.MethodGet, "/2015-03-31/functions/{FunctionName}/configuration", "GetFunctionConfiguration"},
		{http.MethodPost, "/2015-03-31/functions/{FunctionName}/invocations", "Invoke"},
		{http.MethodGet, "/2015-03-31/event-source-mappings", "ListEventSourceMappings"},
	},
	"scheduler": {
		{http.MethodGet, "/schedules", "ListSchedules"},
		{http.MethodGet, "/schedules/{Name}", "GetSchedule"},
		{http.MethodGet, "/schedule-groups", "ListScheduleGroups"},
	},
}

// readREST tells the operation. Its parameters are those of the path and of the query, and the members of a
// JSON body; the payload of Invoke is the body as it is.
func readREST(call *Call) error {
	call.Params = map[string]any{}
	path := strings.TrimSuffix(call.Request.URL.EscapedPath(), "/")
	for _, route := range restRoutes[call.Service] {
		if parameters, ok := route.match(call.Request.Method, path); ok {
			call.Operation = route.operation
			for name, value := range parameters {
				call.Params[name] = value
			}
			break
		}
	}
	if call.Operation == "" {
		call.Operation = call.Request.Method + " " + path // in use nowhere: answered 501
		return nil
	}
	for name, values := range call.Request.URL.Query() {
		call.Params[name] = values[0]
	}
	if len(call.Body) == 0 || call.Operation == "Invoke" {
		return nil
	}
	if err := json.Unmarshal(call.Body, &call.Params); err != nil {
		return &Error{Code: "SerializationException", Message: fmt.Sprintf("request body is no JSON object: %v", err)}
	}
	return nil
}

func (r restRoute) match(method, path string) (parameters map[string]string, ok bool) {
	want, got := strings.Split(r.path, "/"), strings.Split(path, "/")
	if method != r.method || len(want) != len(got) {
		return nil, false
	}
	parameters = map[string]string{}
	for i, part := range want {
		name, variable := strings.CutPrefix(part, "{")
		value, err := url.PathUnescape(got[i])
		switch {
		case err != nil || value == "":
			if part != got[i] {
				return nil, false
			}
		case variable:
			parameters[strings.TrimSuffix(name, "}")] = value
		case part != value:
			return nil, false
		}
	}
	return parameters, true
}
