package page

import (
	"encoding/json"
	"encoding/xml"
	"net/http"
	"strings"
)

// strayCode is the code of the error by which the page answers requests that are for the cloud beside it; the command headroom
// knows it.
const strayCode = "ThisIsThePage"

// astray reports whether a request is for AWS: all of those are signed.
func astray(r *http.Request) bool {
	return strings.HasPrefix(r.Header.Get("Authorization"), "AWS4-HMAC-SHA256 ")
}

// strays answers what an SDK or AWS's command line asks of the page, which was given its address in place of the cloud's, as
// AWS would, so that they show what it says.
func strays(host, cloud string) http.Handler {
	says := "http://" + host + " is the demo's page for browsers; its cloud is at " + cloud
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var body []byte
		if kind := r.Header.Get("Content-Type"); strings.Contains(kind, "json") {
			w.Header().Set("Content-Type", kind)
			body, _ = json.Marshal(map[string]string{"__type": strayCode, "message": says}) // strings always can be
		} else {
			type failure struct{ Type, Code, Message string }
			w.Header().Set("Content-Type", "text/xml")
			body, _ = xml.Marshal(struct { // likewise
				XMLName xml.Name `xml:"ErrorResponse"`
				Error   failure
			}{Error: failure{"Sender", strayCode, says}})
		}
		w.WriteHeader(http.StatusMisdirectedRequest)
		_, _ = w.Write(body) // who asked may have gone
	})
}
