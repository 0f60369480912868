package redact

// The lists are constants in all but name: Go has none of this type.
var (
	// secretWords are secret as a word of a name.
	secretWords = []string{
		"pass", "pwd", "pw", "psw", "pswd", "pat", "jwt", "jwk", "jwks", "salt", "pepper", "dsn", "sas", "cred", "creds", "cookie", "cookies",
		"psk", "otp", "totp", "hmac", "sig", "apikey", "bearer", "passcode", "pgpass", "htpasswd", "netrc", "keytab", "mnemonic",
		"authorization", "unseal",
	}
	// secretParts are secret anywhere in a word: people write "rootpassword".
	secretParts = []string{"password", "passwd", "passphrase", "passwort", "secret", "token", "credential", "license", "licence", "dockerconfig", "dockercfg"}
	// secretEnds are secret at the end of a word: "dbpass", "userpwd".
	secretEnds = []string{"pass", "pwd", "pw", "apikey", "accesskey", "secretkey", "privatekey", "clientkey", "masterkey", "sharedkey", "accountkey", "authkey", "sshkey", "tlskey", "signingkey", "encryptionkey"}
	// suspectWords are secret where the value looks like a secret.
	suspectWords = []string{"auth", "access", "session", "private", "signature", "signed", "cert", "webhook", "webhooks", "pin", "nonce", "seed", "login", "passthru", "shared", "admin", "connection", "conn", "ssh", "kms", "sse", "encryption", "oauth", "oidc", "saml", "ldap", "bind"}
	// compounds are secret though none of their words is.
	compounds = []string{"connectionstring", "connstring", "connstr", "dsnstring", "rootuser", "accesskey", "webhookurl", "hookurl", "registryauth", "kubeconfigdata"}
	// publicWords only look like secret ones.
	publicWords = []string{"bypass", "compass", "tokenizer", "tokenization", "secretary", "licensing", "tokenreview", "tokenreviews", "passthrough", "passive"}

	// settingWords end the names of plain settings: how long, where, which.
	settingWords = []string{
		"name", "names", "ref", "refs", "reference", "from", "file", "files", "filename", "path", "paths", "dir", "directory", "stdin", "policy", "policies",
		"length", "type", "types", "enabled", "enable", "disabled", "disable", "expires", "expiry", "expiration", "expire", "seconds", "minutes", "duration",
		"validation", "validate", "verify", "verification", "issuer", "audience", "audiences", "version", "mode", "modes", "algorithm", "alg", "count",
		"size", "limit", "ttl", "timeout", "interval", "provider", "class", "kind", "namespace", "required", "optional", "scheme", "method",
		"template", "projection", "mount", "mounts", "mountpath", "volume", "review", "request", "requests", "usage", "usages", "rule", "rules", "format",
		"rotation", "affinity", "config", "style", "port", "host", "status", "present", "accepted", "valid", "found", "missing", "unchanged", "changed", "change", "kept", "unknown", "readable", "matches", "owner", "check", "checks", "reason", "state", "skip", "err", "error", "errors",
	}
	// describingWords end the names of what stands beside a secret.
	describingWords = []string{"key", "keys", "user", "username", "id", "email", "server", "registry", "url", "encoding", "description", "comment", "notes", "plan", "customer", "organization", "secret", "apiversion", "endpoint", "domain", "realm"}
	// numberWords end the names of numbers.
	numberWords = []string{"port", "ports", "replicas", "count", "size", "limit", "timeout", "seconds", "minutes", "workers", "retries", "max", "min", "interval", "qps", "burst", "bytes"}
	// editions are what a license is called, in place of the license itself.
	editions = []string{"enterprise", "standard", "free", "trial", "lite", "plus", "community", "commercial", "agpl", "agplv3", "agpl-3.0", "apache", "apache-2.0", "mit", "proprietary", "none", "valid", "expired", "missing"}
	// referenceWords stand before "secret" where it is the name of one.
	referenceWords = []string{"existing", "pull", "tls", "cert", "certs", "kes", "config", "configuration", "creds", "credentials", "license", "ca", "certificate", "extra", "password", "credential", "users", "root", "env", "from", "external"}
	// statusWords are what is said of a secret behind a colon, in place of the
	// secret itself: see [isStatus]. They also begin what an error says.
	statusWords = []string{"a", "an", "the", "is", "was", "no", "not", "cannot", "could", "can't", "unable", "unexpected", "unknown", "unauthorized", "invalid", "illegal", "malformed", "missing", "must", "failed",
		"error", "expired", "forbidden", "denied", "permission", "required", "empty", "context", "dial", "connection", "connect", "timeout", "timed", "exec", "open", "stat", "read", "write", "reading", "parsing", "wrong", "too", "it", "this", "that", "either", "both", "only", "none", "get", "eof", "x509", "tls", "http", "json", "yaml", "rpc", "etcdserver", "already", "expected", "received", "access", "server",
		"exists", "belongs", "needs", "has", "holds", "are", "does", "review", "refused", "rejected", "nothing", "nobody", "yes", "provided", "supplied", "specified", "incorrect", "authentication", "authorization", "login",
		"and", "or", "by", "in", "on", "of", "to", "for", "from", "with", "at", "be", "been", "do", "they", "these", "its", "should", "will", "can", "out", "long", "short", "small", "least", "most", "between", "minimum", "maximum", "characters", "bytes", "letters", "days", "ago",
		"readable", "writable", "found", "set", "unset", "given", "present", "absent", "valid", "kept", "unchanged", "changed", "change", "changes", "checked", "skipped", "skip", "ok", "pass", "passed", "fail", "warn", "accepted", "same", "equal", "equals", "differ", "differs", "different", "match", "matches", "mismatch", "created", "updated", "deleted", "removed", "added", "rotated", "configured", "hidden", "redacted", "mounted", "used", "unused", "supported", "deprecated", "optional", "default", "disabled", "enabled", "expires", "ends", "ended", "until", "since", "pending", "ready", "available", "unavailable", "unreadable", "verified", "unverified",
		"type", "string", "integer", "number", "boolean", "object", "array", "null", "value", "values", "field", "key", "keys", "secret", "secrets", "name", "names", "namespace", "file", "files", "password", "passwords", "token", "tokens", "license", "certificate", "certificates", "credentials", "each", "some", "any", "plan", "enterprise", "trial", "free"}
	// secretsAreNamed stand before "secret:" where the name of one follows.
	secretsAreNamed = []string{"pull", "tls", "existing", "image", "cert", "certificate", "ca", "env", "license", "config", "configuration"}
	// secretsOf stand before "secrets" that are secrets themselves.
	secretsOf = []string{"client", "app", "application", "shared", "oauth", "oidc", "api", "user", "my", "secret"}
	// lookupWords stand before "key" where things are looked up by it.
	lookupWords = []string{
		"topology", "public", "pub", "sort", "sorting", "partition", "primary", "foreign", "label", "annotation", "node", "object", "row", "map", "group", "cache",
		"routing", "message", "index", "unique", "metric", "host", "hot", "lookup", "taint", "toleration", "resource", "property", "field", "search", "any", "each",
		"this", "the", "a", "unknown", "missing", "of", "by", "per", "values", "config", "data", "environment", "no", "plan", "rand", "new", "release", "store",
	}
	// keySettings stand behind "key" in settings about keys.
	keySettings = []string{"name", "names", "file", "path", "ref", "size", "type", "usage", "usages", "algorithm", "prefix", "space", "store", "manager", "server", "length", "exists", "not"}
)
