// Package httptimeout bounds how long an HTTP server may stay silent, and tells
// who waits for what meanwhile. It is the one implementation for registries,
// token services, chart repositories and the API server. It retries nothing,
// and knows no protocol above HTTP: who uses it says what kind each request is.
package httptimeout
