// Package sqs refuses what SQS refuses and its part, a third-party program, takes.
package sqs

import (
	"encoding/base64"

	"headroom/internal/local/constraint"
	"headroom/internal/local/endpoint"
	"headroom/internal/local/weakjson"
)

// Check looks at a call before its part gets it.
func Check(call endpoint.Call) error {
	if call.Operation != "SendMessage" {
		return nil
	}
	var input struct {
		MessageBody       string
		DelaySeconds      weakjson.Int
		MessageAttributes map[string]struct{ DataType, StringValue, BinaryValue string }
	}
	if err := weakjson.Decode(call.Params, &input); err != nil {
		return &endpoint.Error{Code: "InvalidParameterValue", Message: err.Error()}
	}
	attributes := map[string]constraint.Attribute{}
	for name, value := range input.MessageAttributes {
		binary, _ := base64.StdEncoding.DecodeString(value.BinaryValue) // what can't be read is as good as empty
		attributes[name] = constraint.Attribute{Type: value.DataType, String: value.StringValue, Binary: binary}
	}
	return endpoint.Refused(constraint.Message(input.MessageBody, int(input.DelaySeconds), attributes))
}
