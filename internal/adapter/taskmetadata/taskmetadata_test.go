package taskmetadata

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

func TestAddress(t *testing.T) {
	// As the ECS developer guide has it ("Task metadata endpoint version 4 examples").
	const container = `{"DockerId":"ea32192c8553fbff06c9340478a2ff089b2bb5646fb718b4ee206641c9086d66-249","Name":"curl",
		"Networks":[{"NetworkMode":"awsvpc","IPv4Addresses":["10.0.2.106"],"AttachmentIndex":0,"MACAddress":"0e:9e:32:c7:48:85"}]}`
	for _, test := range []struct {
		name    string
		answers []string
		want    string
		asked   int
	}{
		{"known at once", []string{container}, "10.0.2.106", 1},
		{"known later", []string{"", `{}`, `{"Networks":[{"IPv4Addresses":[]}]}`, container}, "10.0.2.106", 4},
		{"never known", []string{`{}`}, "", tries},
		{"nonsense", []string{`{"Networks":[{"IPv4Addresses":["here"]}]}`}, "", tries},
	} {
		t.Run(test.name, func(t *testing.T) {
			asked := 0
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				answer := test.answers[min(asked, len(test.answers)-1)]
				asked++
				if answer == "" {
					w.WriteHeader(http.StatusInternalServerError)
				}
				_, _ = io.WriteString(w, answer)
			}))
			defer server.Close()
			client := Client{HTTP: server.Client(), Endpoint: server.URL, Sleep: func(context.Context, time.Duration) error { return nil }}
			got, err := client.Address(t.Context())
			if (err == nil) != (test.want != "") || err == nil && got.String() != test.want || asked != test.asked {
				t.Errorf("got %v, %v after %d tries", got, err, asked)
			}
		})
	}
}
