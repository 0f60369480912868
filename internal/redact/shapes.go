package redact

import (
	"encoding/base64"
	"regexp"
	"slices"
	"strings"
)

// shape is a notation that gives a secret away by its look. Each of its groups
// is masked, except the one called name, which [shape.accept] judges.
type shape struct {
	// parts are texts of which each match holds one: looking for them is faster
	// than looking for the pattern.
	parts   []string
	pattern *regexp.Regexp
	// accept reports whether the value is secret; nil accepts all that do not
	// stand under the name of something else.
	accept func(name, value string) bool
}

const (
	// arg is the next word of a command line, in quotes or not.
	arg = `\\*(?:"([^"\\\n]+)|'([^'\\\n]+)|([^\s"'\\|;&<>()]+))`
	// between is what may stand between a command and the flag that is intended.
	between = `\b[^\n;|&]*?\s`
	gap     = `[ \t]+`
)

// textShapes are looked for in each line of a text, in this order.
var textShapes = []shape{
	{parts: tokenParts, pattern: tokens},
	{[]string{"earer", "EARER", "asic", "ASIC", "igest", "IGEST", "egotiate", "EGOTIATE", "pikey", "piKey", "PIKEY", "plunk", "PLUNK", "enie", "AWS", "aws"},
		regexp.MustCompile(`(?i)\b(?P<name>bearer|basic|digest|negotiate|apikey|splunk|genie(?:key)|AWS)[ \t]+([A-Za-z0-9._~+/=:-]{8,})`), credentialsBehindScheme},
	{[]string{"&", "?", ";", `\u0026`}, regexp.MustCompile(`(?:[?&;]|&amp;|\\u0026)(?P<name>[A-Za-z0-9_.-]+)=([^&\s"'<>\\;]+)`), func(name, _ string) bool { return secretParameter(name) }},
	{[]string{"hooks.slack", "discord", "webhook", "chat.googleapis", "telegram", "pagerduty", "ifttt"},
		regexp.MustCompile(`https://(?:hooks\.slack(?:-gov)?\.com/(?:services|workflows|triggers)|discord(?:app)?\.com/api/webhooks|[a-z0-9-]+\.webhook\.office\.com/webhookb2|outlook\.office\.com/webhook|chat\.googleapis\.com/v1/spaces|api\.telegram\.org/bot|events\.pagerduty\.com/integration|maker\.ifttt\.com/trigger)/?([^\s"'<>]+)`), nil},
	// user:password@tcp(host), as databases are addressed, and user:password@host
	// without a scheme, as in the name of a registry.
	{[]string{"@"}, regexp.MustCompile(`[^\s"'=/@:]+:(\S+)@(?:tcp|unix)\(`), nil},
	{[]string{"@"}, regexp.MustCompile(`[A-Za-z0-9._%+-]+:([^\s"'@/,;(){}\[\]]+)@(?P<name>[A-Za-z0-9]+)`), func(host, _ string) bool { return !strings.HasPrefix(host, "sha") }},
	{[]string{"jdbc:oracle"}, regexp.MustCompile(`jdbc:oracle:\w+:[^/\s]+/([^@\s]+)@`), nil},
	// XML
	{[]string{"</"}, regexp.MustCompile(`<(?P<name>[A-Za-z][\w.:-]*)>([^<\n]+)</`), nil},
	{[]string{"value="}, regexp.MustCompile(`(?i)\b(?:name|key)=["'](?P<name>[^"'\n]+)["']\s+value=["']([^"'\n]+)["']`), nil},
	// Lines of configuration files
	{[]string{"login"}, regexp.MustCompile(`\blogin` + gap + `\S+` + gap + `password` + gap + arg), nil},
	{[]string{":5432:", ":*:", ":6432:", ":5433:"}, regexp.MustCompile(`^[A-Za-z*][\w.*-]*:(?:[0-9]{4,5}|\*):[^\s:]+:[^\s:]+:(\S+)\s*$`), nil}, // .pgpass
	{[]string{"requirepass", "masterauth", "bindpw", "rootpw", "rootdnpw"}, regexp.MustCompile(`(?:requirepass|masterauth|bindpw|rootpw|rootdnpw)` + gap + arg), nil},
	{[]string{"AUTH"}, regexp.MustCompile(`\bAUTH` + gap + `default` + gap + arg), nil},
	// SQL and sentences
	{[]string{"assw", "ASSW", "ENTIFIED", "entified", "assphrase", "key", "Key"}, regexp.MustCompile(`(?i)\b(?:password|passwd|passphrase|identified` + gap + `by|(?:api|secret|access|license|encryption)[ -]key)(?:` + gap + `(?:is|was))?(?:` + gap + `|[ \t]*\([ \t]*)\\*(?:"([^"\\\n]+)\\*"|'([^'\\\n]+)\\*')`), nil},
	{[]string{" is ", " was "}, regexp.MustCompile(`(?i)\b(?:password|passwd|passphrase|token|(?:api|secret|access|license|encryption) key) (?:is|was) ["']?([^\s"']+?)["']?[.!]?\s*$`), func(_, v string) bool { return !isStatus(v) }},
	// Command lines
	{[]string{"alias", "config"}, regexp.MustCompile(`\b(?:alias[ \t]+(?:set|s)|config[ \t]+host[ \t]+add)(?:[ \t]+(?:--(?:api|path|config-dir|limit-upload|limit-download|custom-header)[ \t]+\S+|--?[A-Za-z-]+(?:=\S+)?))*[ \t]+[^\s-]\S*[ \t]+\S+[ \t]+` + arg + `(?:["']?[ \t]+` + arg + `)?`), nil},
	{[]string{"-u", "-U", "u ", "U ", "-user", "creds"}, regexp.MustCompile(`(?:^|[\s"',\[])(?:-[sSkLfvigGX]{0,5}[uU]|--user|--proxy-user|--creds|--src-creds|--dest-creds)["']?(?:[ \t]*,[ \t]*|=|[ \t]*)["']?[^\s"',:]+:([^\s"',]+)`), nil},
	{[]string{"-p"}, regexp.MustCompile(`(?:^|[ \t"',\[])-p["']?(?:[ \t]*,[ \t]*|=|[ \t]+)["']?([^\s"',\]-][^\s"',\]]*)`), noPlace},
	{[]string{"-p"}, regexp.MustCompile(`\b(?:mysql\w*|mariadb\S*|docker|podman|nerdctl|sshpass|7z\w*|oc|mongo\w*)` + between + `-p([^\s"'|;&<>]+)`), noPlace},
	{[]string{"redis-cli", "valkey-cli"}, regexp.MustCompile(`\b(?:redis|valkey)-cli` + between + `-a` + gap + arg), nil},
	{[]string{"openssl"}, regexp.MustCompile(`\bopenssl` + between + `-[kK]` + gap + arg), nil},
	{[]string{"openssl"}, regexp.MustCompile(`\bopenssl` + gap + `passwd(?:` + gap + `-\S+)*` + gap + arg), nil},
	{[]string{"-pass"}, regexp.MustCompile(`-pass(?:in|out)?` + gap + `["']?pass:([^\s"']+)`), nil},
	{[]string{"curl"}, regexp.MustCompile(`\bcurl` + between + `(?:-b|--cookie)[ \t=]+` + arg), nil},
	{[]string{"--set"}, regexp.MustCompile(`--set(?:-[a-z]+)?` + gap + `(?P<name>[A-Za-z0-9_.-]+)` + gap + arg), nil},
	{[]string{"set", "SET"}, regexp.MustCompile(`(?i)\b(?:config(?:ure)?` + gap + `set|setx)` + gap + `(?P<name>\S+)` + gap + arg), nil},
	{[]string{"-e ", "--env", "--from-literal"}, regexp.MustCompile(`(?:^|\s)(?:-e|--env|--from-literal)[ \t=]*["']?(?P<name>[A-Za-z_][\w.-]*)=["']?([^\s"']+)`), hiddenVariable},
	{[]string{"admin"}, regexp.MustCompile(`\badmin` + gap + `user` + gap + `add` + gap + `\S+` + gap + arg + `["']?` + gap + arg), nil},
	{[]string{"vault"}, regexp.MustCompile(`\bvault` + gap + `(?:login|operator` + gap + `unseal)(?:` + gap + `-\S+)*` + gap + arg), nil},
	{[]string{"kv "}, regexp.MustCompile(`\bkv` + gap + `(?:put|patch)` + between + `[\w.-]+=` + arg), nil},
	{[]string{" -P", " -N"}, regexp.MustCompile(`\b(?:zip|unzip|mosquitto_\w+|ipmitool|ssh-keygen|sqlcmd|bcp)` + between + `-[PN][ \t]*` + arg), nil},
	{[]string{"snmp"}, regexp.MustCompile(`\bsnmp\w+` + between + `-[AXc]` + gap + arg), nil},
	{[]string{"mosquitto_passwd"}, regexp.MustCompile(`\bmosquitto_passwd` + gap + `-b` + gap + `\S+` + gap + `\S+` + gap + arg), nil},
	{[]string{"--value"}, regexp.MustCompile(`(?:secret|parameter)` + between + `--value[ \t=]+` + arg), nil},
	{[]string{"ldappasswd"}, regexp.MustCompile(`\bldappasswd` + between + `-s` + gap + arg), nil},
	{[]string{"->", "→"}, regexp.MustCompile(`(?P<name>[\w.-]+)["']?[ \t]*(?:->|→)[ \t]*` + arg), func(name, v string) bool { return IsSecretName(name) && noPlace("", v) }},
	{[]string{"ldap"}, regexp.MustCompile(`\bldap\w+` + between + `-w[ \t]*` + arg), nil},
	{[]string{"htpasswd"}, regexp.MustCompile(`\bhtpasswd` + gap + `-[a-zA-Z]*b[a-zA-Z]*(?:` + gap + `[^\s|;&<>]+){1,2}` + gap + arg), nil},
	{[]string{"-U"}, regexp.MustCompile(`\b(?:smb\w+|net|rpcclient)` + between + `-U[ \t]*[^\s%]+%` + arg), nil},
	{[]string{"_user", "_password"}, regexp.MustCompile(`\b(?:add_user|change_password|authenticate_user)` + gap + `\S+` + gap + arg), nil},
	{[]string{"net use"}, regexp.MustCompile(`\bnet use` + between + `/user:\S+` + gap + arg), nil},
	{[]string{"echo", "printf"}, regexp.MustCompile(`\b(?:echo|printf)(?:` + gap + `(?:-\w+|["']%s(?:\\n)?["']))*` + gap + arg + `["']?[ \t]*\|[^\n]*(?:assword|assphrase|token|stdin)`), nil},
}

// tokens are secrets by their shape, each as its makers write it.
var tokens = regexp.MustCompile(`(` + strings.Join([]string{
	`eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*(?:\.[A-Za-z0-9_-]+){0,2}`, // JSON web tokens
	`ZXlK[A-Za-z0-9+/=_-]{24,}`,                                      // and the same in base64
	`\b(?:AKIA|ASIA|ABIA|ACCA|AROA|AIDA)[A-Z0-9]{16}\b`,              // AWS
	`\bgh[pousr]_[A-Za-z0-9]{20,}`, `\bgithub_pat_[A-Za-z0-9_]{20,}`, // GitHub
	`\bgl(?:pat|dt|rt|oas|ptt|ft|soat|cbt|imt|agent|ffct)-[A-Za-z0-9_-]{16,}`, // GitLab
	`\bxox[a-z]-[A-Za-z0-9-]{10,}`, `\bxapp-[A-Za-z0-9-]{10,}`,                // Slack
	`\bAIza[A-Za-z0-9_-]{30,}`, `\bya29\.[A-Za-z0-9_-]{20,}`, `\bGOCSPX-[A-Za-z0-9_-]{20,}`, // Google
	`\bhv[sbr]\.[A-Za-z0-9_-]{20,}`, // Vault
	`\bdckr_(?:pat|oat)_[A-Za-z0-9_-]{16,}`, `\bnpm_[A-Za-z0-9]{30,}`, `\bpypi-[A-Za-z0-9_-]{30,}`,
	`\bsk[-_](?:live_|test_|ant-|proj-)?[A-Za-z0-9_-]{20,}`, `\bSG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}`,
	`\bAGE-SECRET-KEY-1[A-Z0-9]{20,}`, `\bcmVmdGtu[A-Za-z0-9+/=]{20,}`, // age, Artifactory
	`\bkes:v1:[A-Za-z0-9+/=_-]{16,}`, `\bk1:[A-Za-z0-9+/=_-]{20,}`, // API keys of KES and of MinIO's key manager
}, "|") + `)`)

// tokenParts are what each match of tokens holds.
var tokenParts = []string{"eyJ", "ZXlK", "AKIA", "ASIA", "ABIA", "ACCA", "AROA", "AIDA", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "glpat-", "gldt-", "glrt-", "gloas-", "glptt-", "glft-", "glsoat-", "glcbt-", "glimt-", "glagent-", "glffct-", "xox", "xapp-", "AIza", "ya29.", "GOCSPX-", "hvs.", "hvb.", "hvr.", "dckr_", "npm_", "pypi-", "sk-", "sk_", "SG.", "AGE-SECRET", "cmVmdGtu", "kes:v1:", "k1:"}

// place is a port, a path or a mode, which is no password.
var place = regexp.MustCompile(`^(?:[0-9.:]*(?:/(?:tcp|udp))?|[./~${[].*|[A-Za-z0-9_.-]*/.*)$`)

// hiddenVariable reports whether a variable that a command line sets is not known
// to be harmless.
func hiddenVariable(name, value string) bool {
	return !showable(name, value) && (IsSecretName(name) || !settingValue.MatchString(value) && !harmlessEnvValue(name, value))
}

func noPlace(_, value string) bool { return !place.MatchString(value) && !fileName.MatchString(value) }

// shapes masks what is a secret by its shape. No shape goes over a line.
func (w *walker) shapes(s string) string {
	var active []*shape
	for i := range textShapes {
		if containsAny(s, textShapes[i].parts) {
			active = append(active, &textShapes[i])
		}
	}
	if len(active) == 0 {
		return s
	}
	var out strings.Builder
	for line := range strings.Lines(s) {
		for _, shape := range active {
			if containsAny(line, shape.parts) {
				line = w.shape(shape, line)
			}
		}
		out.WriteString(line)
	}
	return out.String()
}

// shape masks the groups of one shape's matches in a line.
func (w *walker) shape(sh *shape, s string) string {
	matches := sh.pattern.FindAllStringSubmatchIndex(s, -1)
	if matches == nil {
		return s
	}
	var out strings.Builder
	done, named := 0, sh.pattern.SubexpIndex("name")
	for _, m := range matches {
		name := ""
		if named > 0 {
			name = s[m[2*named]:m[2*named+1]]
		}
		for g := 1; 2*g < len(m); g++ {
			from, to := m[2*g], m[2*g+1]
			if g == named || from < done || to <= from || !sh.hides(name, named > 0, s[from:to]) {
				continue
			}
			out.WriteString(s[done:from])
			out.WriteString(w.maskSecret(s[from:to]))
			done = to
		}
	}
	return out.String() + s[done:]
}

func (sh *shape) hides(name string, named bool, value string) bool {
	switch {
	case isHarmless(value) || strings.HasPrefix(value, strings.TrimSuffix(Mask, "]")):
		return false
	case sh.accept != nil:
		return sh.accept(name, value)
	}
	return !named || IsSecretName(name)
}

// containsAny reports whether one of these words is in s.
func containsAny(s string, words []string) bool {
	return slices.ContainsFunc(words, func(word string) bool { return strings.Contains(s, word) })
}

func credentialsBehindScheme(scheme, value string) bool {
	return strings.EqualFold(scheme, "bearer") && len(value) >= 16 || isLogin(value) || looksSecret(value)
}

// secretParameter reports whether a parameter of a URL opens what it is for.
func secretParameter(name string) bool {
	switch n := strings.ToLower(name); n {
	case "sig", "code", "key", "auth", "access", "signature", "x-amz-signature", "x-amz-credential", "x-amz-security-token", "awsaccesskeyid",
		"googleaccessid", "x-goog-signature", "x-goog-credential", "client_id_token", "ticket", "session", "sid", "state", "hash", "hmac":
		return true
	}
	return IsSecretName(name)
}

// isLogin reports whether s is user:password in base64, as registries want it.
func isLogin(s string) bool {
	s = strings.TrimRight(strings.TrimSpace(s), "=")
	b, err := base64.RawStdEncoding.DecodeString(s)
	if err != nil || !strings.Contains(string(b), ":") {
		return false
	}
	return strings.IndexFunc(string(b), func(r rune) bool { return r < ' ' || r == '\uFFFD' }) < 0
}
