package endpoint_test

import (
	"crypto/md5"
	"encoding/hex"
	"encoding/xml"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"headroom/internal/local/endpoint"
)

// queueResponse is what the tests read of SQS's answers in the query protocol.
type queueResponse struct {
	XMLName   xml.Name
	Namespace string   `xml:"xmlns,attr"`
	URL       string   `xml:"GetQueueUrlResult>QueueUrl"`
	URLs      []string `xml:"ListQueuesResult>QueueUrl"`
	Sent      struct {
		MessageID    string `xml:"MessageId"`
		BodyMD5      string `xml:"MD5OfMessageBody"`
		AttributeMD5 string `xml:"MD5OfMessageAttributes"`
	} `xml:"SendMessageResult"`
	Messages []struct {
		Body          string
		ReceiptHandle string
		BodyMD5       string       `xml:"MD5OfBody"`
		AttributeMD5  string       `xml:"MD5OfMessageAttributes"`
		Attributes    []queuePair  `xml:"Attribute"`
		OfMessage     []typedValue `xml:"MessageAttribute"`
	} `xml:"ReceiveMessageResult>Message"`
	Attributes []queuePair                   `xml:"GetQueueAttributesResult>Attribute"`
	Tags       []struct{ Key, Value string } `xml:"ListQueueTagsResult>Tag"`
	Batch      []struct {
		ID  string `xml:"Id"`
		MD5 string `xml:"MD5OfMessageBody"`
	} `xml:"SendMessageBatchResult>SendMessageBatchResultEntry"`
	Failed []struct {
		ID   string `xml:"Id"`
		Code string
	} `xml:"SendMessageBatchResult>BatchResultErrorEntry"`
	RequestID string `xml:"ResponseMetadata>RequestId"`
	Error     struct{ Type, Code, Message string }
}

type queuePair struct{ Name, Value string }

type typedValue struct {
	Name  string
	Value struct{ StringValue, DataType string }
}

// old calls SQS as an old client does: with a form, at a path.
func old(t *testing.T, address, key string, form map[string]string) (queueResponse, int) {
	t.Helper()
	values := url.Values{"Version": {"2012-11-05"}}
	for name, value := range form {
		values.Set(name, value)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, address, strings.NewReader(values.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	req.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+key+"/20261126/eu-west-1/sqs/aws4_request, SignedHeaders=host, Signature=00")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	var answer queueResponse
	if err := xml.Unmarshal(body, &answer); err != nil || resp.Header.Get("Content-Type") != "text/xml" {
		t.Fatalf("%s answers %s: %v: %s", form["Action"], resp.Header.Get("Content-Type"), err, body)
	}
	return answer, resp.StatusCode
}

func TestOldClientsSpeakToQueuesByForms(t *testing.T) {
	router, address := newRouter(t, endpoint.Config{})
	withQueues(t, router)
	call := func(form map[string]string) queueResponse {
		t.Helper()
		answer, status := old(t, address, "owner", form)
		if status != http.StatusOK || answer.XMLName.Local != form["Action"]+"Response" || answer.Namespace != "http://queue.amazonaws.com/doc/2012-11-05/" || answer.RequestID == "" {
			t.Fatalf("%s: status %d, %+v", form["Action"], status, answer)
		}
		return answer
	}
	call(map[string]string{"Action": "CreateQueue", "QueueName": "q", "Attribute.1.Name": "VisibilityTimeout", "Attribute.1.Value": "77", "Tag.1.Key": "k", "Tag.1.Value": "v"})
	queueURL := call(map[string]string{"Action": "GetQueueUrl", "QueueName": "q"}).URL
	if queueURL != address+"/"+account+"/q" {
		t.Errorf("URL %s", queueURL)
	}
	if urls := call(map[string]string{"Action": "ListQueues"}).URLs; !slices.Equal(urls, []string{queueURL}) {
		t.Errorf("URLs %v", urls)
	}

	if tags := call(map[string]string{"Action": "ListQueueTags", "QueueUrl": queueURL}).Tags; len(tags) != 1 || tags[0].Key != "k" || tags[0].Value != "v" {
		t.Errorf("tags %v", tags)
	}

	sent := call(map[string]string{
		"Action": "SendMessage", "QueueUrl": queueURL, "MessageBody": "<hello> & \"goodbye\"", "DelaySeconds": "0",
		"MessageAttribute.1.Name": "kind", "MessageAttribute.1.Value.DataType": "String", "MessageAttribute.1.Value.StringValue": "greeting",
	}).Sent
	if sent.MessageID == "" || sent.BodyMD5 != digest(`<hello> & "goodbye"`) || len(sent.AttributeMD5) != 32 {
		t.Errorf("sent %+v", sent)
	}
	got := call(map[string]string{"Action": "ReceiveMessage", "QueueUrl": queueURL, "MaxNumberOfMessages": "10", "AttributeName.1": "All", "MessageAttributeName.1": "All"}).Messages
	if len(got) != 1 || got[0].Body != `<hello> & "goodbye"` || got[0].BodyMD5 != sent.BodyMD5 || got[0].AttributeMD5 != sent.AttributeMD5 {
		t.Fatalf("received %+v", got)
	}
	if !slices.ContainsFunc(got[0].Attributes, func(p queuePair) bool { return p == queuePair{"ApproximateReceiveCount", "1"} }) {
		t.Errorf("attributes %v", got[0].Attributes)
	}
	if of := got[0].OfMessage; len(of) != 1 || of[0].Name != "kind" || of[0].Value.StringValue != "greeting" || of[0].Value.DataType != "String" {
		t.Errorf("message attributes %+v", of)
	}
	// Some clients send to the queue itself.
	if _, status := old(t, queueURL, "owner", map[string]string{"Action": "ChangeMessageVisibility", "ReceiptHandle": got[0].ReceiptHandle, "VisibilityTimeout": "0"}); status != http.StatusOK {
		t.Errorf("ChangeMessageVisibility: status %d", status)
	}
	again := call(map[string]string{"Action": "ReceiveMessage", "QueueUrl": queueURL}).Messages
	if len(again) != 1 {
		t.Fatalf("received again %+v", again)
	}
	call(map[string]string{"Action": "DeleteMessage", "QueueUrl": queueURL, "ReceiptHandle": again[0].ReceiptHandle})

	batch := call(map[string]string{
		"Action": "SendMessageBatch", "QueueUrl": queueURL,
		"SendMessageBatchRequestEntry.1.Id": "a", "SendMessageBatchRequestEntry.1.MessageBody": "1",
		"SendMessageBatchRequestEntry.2.Id": "b", "SendMessageBatchRequestEntry.2.MessageBody": "2", "SendMessageBatchRequestEntry.2.DelaySeconds": "60",
	})
	if len(batch.Batch) != 2 || batch.Batch[1].ID != "b" || batch.Batch[1].MD5 != digest("2") || len(batch.Failed) != 0 {
		t.Errorf("batch %+v", batch)
	}
	attributes := call(map[string]string{"Action": "GetQueueAttributes", "QueueUrl": queueURL, "AttributeName.1": "VisibilityTimeout", "AttributeName.2": "ApproximateNumberOfMessages", "AttributeName.3": "ApproximateNumberOfMessagesDelayed"}).Attributes
	slices.SortFunc(attributes, func(a, b queuePair) int { return strings.Compare(a.Name, b.Name) })
	if want := []queuePair{{"ApproximateNumberOfMessages", "1"}, {"ApproximateNumberOfMessagesDelayed", "1"}, {"VisibilityTimeout", "77"}}; !slices.Equal(attributes, want) {
		t.Errorf("attributes %v, want %v", attributes, want)
	}
	call(map[string]string{"Action": "PurgeQueue", "QueueUrl": queueURL})
	call(map[string]string{"Action": "SetQueueAttributes", "QueueUrl": queueURL, "Attribute.1.Name": "VisibilityTimeout", "Attribute.1.Value": "5"})
	call(map[string]string{"Action": "DeleteQueue", "QueueUrl": queueURL})
}

func TestOldClientsHearErrorsAsXML(t *testing.T) {
	var keys endpoint.Keys
	keys.Issue("bad", "arn:bad")
	router, address := newRouter(t, endpoint.Config{Principals: &keys, Authorizer: refusing("arn:good")})
	withQueues(t, router)
	old(t, address, "owner", map[string]string{"Action": "CreateQueue", "QueueName": "q"})
	there, missing := address+"/"+account+"/q", address+"/"+account+"/none"
	for name, test := range map[string]struct {
		key    string
		form   map[string]string
		code   string
		status int
	}{
		"a queue that is not there": {"owner", map[string]string{"Action": "SendMessage", "QueueUrl": missing, "MessageBody": "x"}, "AWS.SimpleQueueService.NonExistentQueue", 400},
		"a name that is not there":  {"owner", map[string]string{"Action": "GetQueueUrl", "QueueName": "none"}, "AWS.SimpleQueueService.NonExistentQueue", 400},
		"no number":                 {"owner", map[string]string{"Action": "SendMessage", "QueueUrl": there, "MessageBody": "x", "DelaySeconds": "soon"}, "InvalidParameterValue", 400},
		"an unknown action":         {"owner", map[string]string{"Action": "Dance", "QueueUrl": there}, "InvalidAction", 400},
		"an empty batch":            {"owner", map[string]string{"Action": "SendMessageBatch", "QueueUrl": there}, "AWS.SimpleQueueService.EmptyBatchRequest", 400},
		"no permission":             {"bad", map[string]string{"Action": "PurgeQueue", "QueueUrl": there}, "AccessDenied", 403},
	} {
		answer, status := old(t, address, test.key, test.form)
		if answer.XMLName.Local != "ErrorResponse" || answer.Error.Code != test.code || answer.Error.Type != "Sender" || answer.Error.Message == "" || status != test.status {
			t.Errorf("%s: status %d, %+v", name, status, answer.Error)
		}
	}
}

// TestErrorsThatThePartDoesNotNameAreNamed: what stands before the part answers in JSON's words.
func TestErrorsThatThePartDoesNotNameAreNamed(t *testing.T) {
	router, address := newRouter(t, endpoint.Config{})
	answering(router, "sqs", "StartMessageMoveTask", nil, &endpoint.Error{Code: "com.amazonaws.sqs#UnsupportedOperation", Message: "There is already a task running."})
	answer, status := old(t, address, "owner", map[string]string{"Action": "StartMessageMoveTask", "SourceArn": "arn"})
	if answer.Error.Code != "AWS.SimpleQueueService.UnsupportedOperation" || status != http.StatusBadRequest {
		t.Errorf("status %d, %+v", status, answer.Error)
	}
}

func digest(text string) string {
	sum := md5.Sum([]byte(text)) // what SQS digests bodies with
	return hex.EncodeToString(sum[:])
}
