package page

import (
	"net"
	"net/http"
)

// policy lets a page load what comes from where it came from, and nothing else, and lets nobody frame it.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
	"manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// guard keeps the page to whoever opened it on this machine. A foreign page in the same browser reaches loopback, too:
//   - under another name for this address (DNS rebinding): the Host header must name this page's own;
//   - by a form, an image or fetch: what changes something is a POST of JSON that comes from the page itself, as the browser
//     says (Sec-Fetch-Site, or Origin in those that are older), and what it reads it may not see;
//   - in a frame, to have somebody click in it: it can't be framed.
//
// What is meant for the cloud, and not for the page, goes to strays.
func guard(host string, strays, next http.Handler) http.Handler {
	origins := http.NewCrossOriginProtection()
	inner := origins.Handler(next)
	_, port, _ := net.SplitHostPort(host) // it is that of a listener
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		if r.Host != host && r.Host != "localhost:"+port {
			http.Error(w, "this page is at http://"+host, http.StatusMisdirectedRequest)
			return
		}
		if astray(r) {
			strays.ServeHTTP(w, r)
			return
		}
		switch r.Method {
		case http.MethodGet, http.MethodHead:
			// A link may lead here; another page's script, image or frame may not.
			if site := r.Header.Get("Sec-Fetch-Site"); (site == "cross-site" || site == "same-site") && r.Header.Get("Sec-Fetch-Mode") != "navigate" {
				http.Error(w, "another page may not read this one", http.StatusForbidden)
				return
			}
		case http.MethodPost:
			if kind := r.Header.Get("Content-Type"); kind != "application/json" {
				http.Error(w, "JSON is taken only", http.StatusUnsupportedMediaType)
				return
			}
		default:
			h.Set("Allow", "GET, HEAD, POST")
			http.Error(w, "GET and POST are taken only", http.StatusMethodNotAllowed)
			return
		}
		inner.ServeHTTP(w, r)
	})
}
