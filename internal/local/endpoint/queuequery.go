package endpoint

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// SQS speaks JSON, and to older clients the query protocol, which the part behind does not know. Its calls
// are made JSON ones on their way in, and the answers XML on their way out.

// queueLists are the parameters of SQS's query protocol whose name is in the singular, and how JSON names
// them.
var queueLists = map[string]string{
	"AttributeName": "AttributeNames", "MessageAttributeName": "MessageAttributeNames", "TagKey": "TagKeys",
	"MessageSystemAttributeName": "MessageSystemAttributeNames", "AWSAccountId": "AWSAccountIds", "ActionName": "Actions",
	"SendMessageBatchRequestEntry": "Entries", "DeleteMessageBatchRequestEntry": "Entries",
	"ChangeMessageVisibilityBatchRequestEntry": "Entries",
}

// queueMaps are lists of names and values that are maps in JSON.
var queueMaps = map[string]string{
	"Attribute": "Attributes", "MessageAttribute": "MessageAttributes", "Tag": "Tags",
	"MessageSystemAttribute": "MessageSystemAttributes",
}

// queueNumbers are parameters that are numbers in JSON.
var queueNumbers = []string{
	"DelaySeconds", "MaxNumberOfMessages", "VisibilityTimeout", "WaitTimeSeconds", "MaxResults", "MaxNumberOfMessagesPerSecond",
}

// queueCall makes a JSON call of one in the query protocol.
func queueCall(call Call) (Call, error) {
	params, err := queueParams(call.Params)
	if err != nil {
		return call, err
	}
	if tags, ok := params["Tags"]; ok && call.Operation == "CreateQueue" {
		params["tags"] = tags // the one call that writes it so
		delete(params, "Tags")
	}
	path := call.Request.URL.Path
	if params["QueueUrl"] == nil && strings.Count(path, "/") == 2 { // sent to the queue itself
		params["QueueUrl"] = "http://" + call.Request.Host + path
	}
	body, err := json.Marshal(params)
	if err != nil {
		return call, fmt.Errorf("encode %s: %w", call.Operation, err)
	}
	request := call.Request.Clone(call.Request.Context())
	request.Method, request.URL.RawQuery = http.MethodPost, ""
	request.Header.Set("X-Amz-Target", "AmazonSQS."+call.Operation)
	request.Header.Set("Content-Type", "application/x-amz-json-1.0")
	call.Request, call.Params, call.Body, call.asQuery = request, params, body, true
	return call, nil
}

func queueParams(from map[string]any) (map[string]any, error) {
	params := make(map[string]any, len(from))
	for name, value := range from {
		switch {
		case strings.HasPrefix(name, "X-Amz-"): // of a presigned call
		case queueMaps[name] != "":
			params[queueMaps[name]] = pairs(value)
		case queueLists[name] != "":
			list, ok := value.([]any)
			if !ok {
				list = []any{value}
			}
			for i, element := range list {
				entry, ok := element.(map[string]any)
				if !ok {
					continue
				}
				inner, err := queueParams(entry)
				if err != nil {
					return nil, err
				}
				list[i] = inner
			}
			params[queueLists[name]] = list
		case slices.Contains(queueNumbers, name):
			text := fmt.Sprint(value)
			number, err := strconv.Atoi(text)
			if err != nil {
				return nil, &Error{Code: "InvalidParameterValue", Message: fmt.Sprintf("Value %s for parameter %s is invalid. Reason: Must be an integer.", text, name)}
			}
			params[name] = number
		default:
			params[name] = value
		}
	}
	return params, nil
}

// pairs makes a map of a list of {Name, Value} or {Key, Value}.
func pairs(value any) map[string]any {
	list, _ := value.([]any)
	made := map[string]any{}
	for _, element := range list {
		pair, _ := element.(map[string]any)
		name, ok := pair["Name"].(string)
		if !ok {
			name, _ = pair["Key"].(string)
		}
		made[name] = pair["Value"]
	}
	return made
}

// queueNamespace is that of SQS's answers.
const queueNamespace = "http://queue.amazonaws.com/doc/2012-11-05/"

// queueAnswer makes of a JSON answer one in the query protocol.
func queueAnswer(operation string, a answer) answer {
	id := a.header.Get("X-Amzn-Requestid")
	if id == "" {
		id = requestID()
	}
	var result map[string]any
	if len(a.body) > 0 && json.Unmarshal(a.body, &result) != nil {
		return encodeError(protocolQuery, fmt.Errorf("answer to %s can't be read", operation))
	}
	if a.status != http.StatusOK {
		return queueError(a, result)
	}
	var x xmlWriter
	x.buffer.WriteString(fmt.Sprintf("<%sResponse xmlns=%q>", operation, queueNamespace))
	if len(result) > 0 || operation == "ReceiveMessage" {
		x.open(operation + "Result")
		x.flat(operation, result)
		x.close(operation + "Result")
	}
	x.open("ResponseMetadata")
	x.element("RequestId", id)
	x.close("ResponseMetadata")
	x.close(operation + "Response")
	return x.answer(http.StatusOK, id)
}

// queueElements are what the elements of lists are called in XML.
var queueElements = map[string]string{
	"QueueUrls": "QueueUrl", "queueUrls": "QueueUrl", "Messages": "Message", "Failed": "BatchResultErrorEntry",
	"Results": "ListMessageMoveTasksResultEntry",
}

// flat writes members; lists and maps stand in no element of their own.
func (x *xmlWriter) flat(operation string, members map[string]any) {
	for _, name := range slices.Sorted(maps.Keys(members)) {
		element := queueElements[name]
		if name == "Successful" {
			element = operation + "ResultEntry"
		}
		switch value := members[name].(type) {
		case nil:
		case []any:
			for _, each := range value {
				x.flatOne(operation, element, each)
			}
		case map[string]any:
			singular, key := strings.TrimSuffix(name, "s"), "Name"
			if singular == "Tag" {
				key = "Key"
			}
			for _, each := range slices.Sorted(maps.Keys(value)) {
				x.open(singular)
				x.element(key, each)
				x.flatOne(operation, "Value", value[each])
				x.close(singular)
			}
		default:
			x.element(name, value)
		}
	}
}

func (x *xmlWriter) flatOne(operation, element string, value any) {
	if members, ok := value.(map[string]any); ok {
		x.open(element)
		x.flat(operation, members)
		x.close(element)
		return
	}
	x.element(element, value)
}

// queueCodes are the errors that the query protocol names otherwise than JSON.
var queueCodes = map[string]string{
	"AccessDeniedException": "AccessDenied", "QueueNameExists": "QueueAlreadyExists",
	"QueueDoesNotExist": "AWS.SimpleQueueService.NonExistentQueue",
}

// queueErrors are those whose names begin with the service's in the query protocol.
var queueErrors = []string{
	"BatchEntryIdsNotDistinct", "BatchRequestTooLong", "EmptyBatchRequest", "InvalidBatchEntryId", "MessageNotInflight",
	"PurgeQueueInProgress", "QueueDeletedRecently", "TooManyEntriesInBatchRequest", "UnsupportedOperation",
}

// queueError is an error in the query protocol. The part says how its errors are named there.
func queueError(a answer, body map[string]any) answer {
	kind, _ := body["__type"].(string)
	message, _ := body["message"].(string)
	code := kind[strings.LastIndex(kind, "#")+1:]
	if named, _, ok := strings.Cut(a.header.Get("X-Amzn-Query-Error"), ";"); ok {
		code = named
	}
	if named, ok := queueCodes[code]; ok {
		code = named
	}
	if slices.Contains(queueErrors, code) {
		code = "AWS.SimpleQueueService." + code
	}
	status := a.status
	if code == "AccessDenied" {
		status = http.StatusForbidden
	}
	return encodeError(protocolQuery, &Error{Code: code, Message: message, Status: status})
}
