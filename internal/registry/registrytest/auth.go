package registrytest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// isAllowed checks the login and answers 401 where it is wrong.
func (s *Server) isAllowed(w http.ResponseWriter, r *http.Request) bool {
	switch {
	case s.opts.user == "":
		return true
	case s.opts.bearer:
		return s.bearerAllowed(w, r)
	}
	if u, p, ok := r.BasicAuth(); ok && u == s.opts.user && p == s.opts.password {
		return true
	}
	w.Header().Set("WWW-Authenticate", `Basic realm="test"`)
	writeUnauthorized(w)
	return false
}

func writeUnauthorized(w http.ResponseWriter) {
	w.WriteHeader(http.StatusUnauthorized)
	_, _ = w.Write([]byte(`{"errors":[{"code":"UNAUTHORIZED","message":"authentication required"}]}`))
}

// The token of these tests says what it allows: "N scope scope", where N is
// its number. What is good for a limited number of requests is counted.
func (s *Server) bearerAllowed(w http.ResponseWriter, r *http.Request) bool {
	tok := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	need := "pull"
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		need = "push"
	}
	scope := "repository:" + repoOf(r.URL.Path) + ":" + need
	if r.URL.Path == "/v2/" {
		scope = ""
	}
	if tok != "" && s.isTokenValid(tok, scope) && (r.URL.Query().Get("from") == "" || s.isTokenValid(tok, "repository:"+r.URL.Query().Get("from")+":pull")) {
		s.countUse(tok)
		return true
	}
	challenge := fmt.Sprintf(`Bearer realm="%s/token",service="test"`, s.URL)
	if scope != "" {
		actions := need
		if need == "push" {
			actions = "pull,push"
		}
		challenge += fmt.Sprintf(`,scope="repository:%s:%s"`, repoOf(r.URL.Path), actions)
	}
	w.Header().Set("WWW-Authenticate", challenge)
	writeUnauthorized(w)
	return false
}

func (s *Server) countUse(tok string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.log = append(s.log, "USE "+tok[:strings.IndexByte(tok, '|')])
}

func (s *Server) isTokenValid(tok, scope string) bool {
	parts := strings.Split(tok, "|")
	if s.opts.tokenUses > 0 && s.CountRequests("^USE "+parts[0]+"$") >= s.opts.tokenUses {
		return false
	}
	if scope == "" {
		return true
	}
	i := strings.LastIndexByte(scope, ':')
	return slices.ContainsFunc(parts[1:], func(have string) bool {
		j := strings.LastIndexByte(have, ':')
		return j > 0 && have[:j] == scope[:i] && slices.Contains(strings.Split(have[j+1:], ","), scope[i+1:])
	})
}

func (s *Server) handleToken(w http.ResponseWriter, r *http.Request) {
	u, p, ok := r.BasicAuth()
	if !ok || u != s.opts.user || p != s.opts.password {
		writeUnauthorized(w)
		return
	}
	s.mu.Lock()
	s.log = append(s.log, "TOKEN")
	id := strconv.Itoa(len(s.log))
	s.mu.Unlock()
	tok := strings.Join(append([]string{id}, r.URL.Query()["scope"]...), "|")
	_ = json.NewEncoder(w).Encode(map[string]any{"token": tok, "expires_in": 60})
}
