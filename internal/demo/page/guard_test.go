package page

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestAForeignPageCanNeitherReadNorChangeAnything(t *testing.T) {
	const own = "127.0.0.1:4580"
	type call struct {
		method, host string
		headers      map[string]string
		want         int
	}
	for name, c := range map[string]call{
		"the page itself":                     {"GET", own, nil, 200},
		"by the name localhost":               {"GET", "localhost:4580", nil, 200},
		"its own script":                      {"GET", own, map[string]string{"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "cors"}, 200},
		"a link to it":                        {"GET", own, map[string]string{"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}, 200},
		"its own order":                       {"POST", own, map[string]string{"Content-Type": "application/json", "Sec-Fetch-Site": "same-origin", "Origin": "http://" + own}, 200},
		"its own order in an old browser":     {"POST", own, map[string]string{"Content-Type": "application/json", "Origin": "http://" + own}, 200},
		"another name for this address":       {"GET", "evil.example:4580", nil, http.StatusMisdirectedRequest},
		"another port":                        {"GET", "127.0.0.1:80", nil, http.StatusMisdirectedRequest},
		"no name":                             {"GET", "", nil, http.StatusMisdirectedRequest},
		"an order under another name":         {"POST", "evil.example:4580", map[string]string{"Content-Type": "application/json", "Origin": "http://evil.example:4580", "Sec-Fetch-Site": "same-origin"}, http.StatusMisdirectedRequest},
		"a foreign script or image":           {"GET", own, map[string]string{"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}, 403},
		"one of another port of this machine": {"GET", own, map[string]string{"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "cors"}, 403},
		"a foreign form":                      {"POST", own, map[string]string{"Content-Type": "text/plain", "Sec-Fetch-Site": "cross-site"}, http.StatusUnsupportedMediaType},
		"a foreign fetch":                     {"POST", own, map[string]string{"Content-Type": "application/json", "Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"}, 403},
		"one of another port, by fetch":       {"POST", own, map[string]string{"Content-Type": "application/json", "Sec-Fetch-Site": "same-site", "Origin": "http://127.0.0.1:3000"}, 403},
		"a foreign fetch in an old browser":   {"POST", own, map[string]string{"Content-Type": "application/json", "Origin": "https://evil.example"}, 403},
		"a sandboxed frame":                   {"POST", own, map[string]string{"Content-Type": "application/json", "Origin": "null"}, 403},
		"a question before a foreign fetch":   {"OPTIONS", own, map[string]string{"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}, 405},
		"one for the cloud":                   {"POST", own, map[string]string{"Authorization": "AWS4-HMAC-SHA256 Credential=OWNER/…"}, http.StatusMisdirectedRequest},
		"a deletion":                          {"DELETE", own, nil, 405},
	} {
		t.Run(name, func(t *testing.T) {
			reached := false
			handler := guard(own, strays(own, "http://127.0.0.1:4566"), http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached = true }))
			r := httptest.NewRequest(c.method, "/", strings.NewReader("{}"))
			r.Host = c.host
			for name, value := range c.headers {
				r.Header.Set(name, value)
			}
			w := httptest.NewRecorder()
			handler.ServeHTTP(w, r)
			if w.Code != c.want || reached != (c.want == 200) {
				t.Errorf("status %d, want %d; reached %t", w.Code, c.want, reached)
			}
			h := w.Header()
			if !strings.Contains(h.Get("Content-Security-Policy"), "frame-ancestors 'none'") || h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Access-Control-Allow-Origin") != "" {
				t.Errorf("headers: %v", h)
			}
		})
	}
}
