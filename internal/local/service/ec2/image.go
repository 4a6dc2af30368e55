package ec2

import (
	"context"
	"fmt"
	"slices"
	"time"

	"headroom/internal/local/endpoint"
	"headroom/internal/local/weakjson"
)

// Image is one of AWS's own images, of an appliance.
type Image struct {
	ID, Name   string
	Made       time.Time
	Deprecated time.Time // zero: never
}

// appliances are the images that there are unless Config says otherwise, the oldest first.
var appliances = []Image{
	{ID: "ami-0f11e5a7e4a7e0000", Name: "aws-storage-gateway-1.27.0", Made: time.Date(2024, 1, 15, 9, 30, 0, 0, time.UTC), Deprecated: time.Date(2026, 1, 15, 9, 30, 0, 0, time.UTC)},
	{ID: "ami-0f11e5a7e4a7e0001", Name: "aws-storage-gateway-2.0.0", Made: time.Date(2025, 9, 8, 9, 30, 0, 0, time.UTC)},
	{ID: "ami-0f11e5a7e4a7e0002", Name: "aws-storage-gateway-2.1.0", Made: time.Date(2025, 12, 1, 9, 30, 0, 0, time.UTC)},
}

// describeImages lists images. Machines are made from others, too: of those nothing is known.
func (e *EC2) describeImages(_ context.Context, call endpoint.Call) (any, error) {
	input, err := decodeDescribe(call)
	if err != nil {
		return nil, err
	}
	var more struct {
		ImageIDs          weakjson.Texts `json:"ImageId"`
		Owners            weakjson.Texts `json:"Owner"`
		IncludeDeprecated weakjson.Bool  `json:"IncludeDeprecated"`
	}
	if err := weakjson.Decode(call.Params, &more); err != nil {
		return nil, &endpoint.Error{Code: "InvalidParameterValue", Message: err.Error()}
	}
	for _, id := range more.ImageIDs {
		if !slices.ContainsFunc(e.cfg.Images, func(i Image) bool { return i.ID == id }) {
			return nil, &endpoint.Error{Code: "InvalidAMIID.NotFound", Message: fmt.Sprintf("The image id '[%s]' does not exist", id)}
		}
	}
	found := []any{}
	for _, i := range e.cfg.Images {
		if len(more.ImageIDs) > 0 && !slices.Contains(more.ImageIDs, i.ID) {
			continue
		}
		if len(more.Owners) > 0 && !slices.Contains(more.Owners, "amazon") {
			continue
		}
		if !bool(more.IncludeDeprecated) && !i.Deprecated.IsZero() && e.cfg.Now().After(i.Deprecated) {
			continue
		}
		ok, err := matches(input.Filters, map[string][]string{"image-id": {i.ID}, "name": {i.Name}, "owner-alias": {"amazon"}})
		if err != nil {
			return nil, err
		}
		if !ok {
			continue
		}
		image := map[string]any{
			"imageId": i.ID, "name": i.Name, "imageOwnerAlias": "amazon", "isPublic": true, "imageState": "available", "creationDate": i.Made.UTC().Format("2006-01-02T15:04:05.000Z"),
		}
		if !i.Deprecated.IsZero() {
			image["deprecationTime"] = i.Deprecated.UTC().Format("2006-01-02T15:04:05.000Z")
		}
		found = append(found, image)
	}
	return page(call, "imagesSet", found)
}
