// Package registry talks to OCI registries.
//
// It owns authentication, TLS, proxies, retries, back-off and the errors that
// registries answer with, once for all verbs. It is the only importer of
// go-containerregistry's authn and transport. It must not know what is being
// transferred or why, must not read the environment or the user's home (the
// caller names every file), and must not write to a stream.
//
// A [Client] speaks plain http, or skips the check of a certificate, only with
// hosts that were named for it; a host never gets there by what it answers.
// Credentials go to the registry that they were given for and to the token
// service it names, never to where a redirect leads.
package registry
