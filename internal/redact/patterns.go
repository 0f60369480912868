package redact

import (
	"encoding/base64"
	"regexp"
	"slices"
	"strings"
)

// tokens are secrets by their shape, each as its makers write it.
var tokens = regexp.MustCompile(strings.Join([]string{
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
}, "|"))

var (
	// scheme finds credentials behind the word that says how they are used.
	scheme = regexp.MustCompile(`(?i)\b(bearer|basic|digest|negotiate|apikey|splunk|genie(?:key)|AWS)([ \t]+)([A-Za-z0-9._~+/=:-]{8,})`)
	// query finds a parameter of a URL.
	query = regexp.MustCompile(`([?&;]|&amp;|\\u0026)([A-Za-z0-9_.-]+)=([^&\s"'<>\\;]+)`)
	// hook finds the part of a webhook's address that opens it.
	hook = regexp.MustCompile(`(https://(?:hooks\.slack(?:-gov)?\.com/(?:services|workflows|triggers)|discord(?:app)?\.com/api/webhooks|[a-z0-9-]+\.webhook\.office\.com/webhookb2|outlook\.office\.com/webhook|chat\.googleapis\.com/v1/spaces|api\.telegram\.org/bot|events\.pagerduty\.com/integration|maker\.ifttt\.com/trigger)/?)([^\s"'<>]+)`)
	// alias finds the login of `mc alias set NAME URL KEY SECRET`.
	alias = regexp.MustCompile(`(\b(?:alias[ \t]+(?:set|s)|config[ \t]+host[ \t]+add)(?:[ \t]+(?:--(?:api|path|config-dir|limit-upload|limit-download|custom-header)[ \t]+\S+|--?[A-Za-z-]+(?:=\S+)?))*[ \t]+[^\s-]\S*[ \t]+\S+[ \t]+)([^\s;|&<>-][^\s;|&<>]*(?:[ \t]+[^\s;|&<>-][^\s;|&<>]*)?)`)
	// userFlag finds user:password behind a flag of curl and others.
	userFlag = regexp.MustCompile(`((?:^|[\s"',\[])(?:-u|-U|--user|--proxy-user|--creds|--src-creds|--dest-creds)["']?(?:[ \t]*,[ \t]*|=|[ \t]*)["']?)([^\s"',:]+):([^\s"',]+)`)
	// passFlag finds a password behind -p. A port, a path and a mode are none.
	passFlag = regexp.MustCompile(`((?:^|[ \t"',\[])-p["']?(?:[ \t]*,[ \t]*|=|[ \t]+)["']?)([^\s"',\]-][^\s"',\]]*)`)
	place    = regexp.MustCompile(`^(?:[0-9.:]*(?:/(?:tcp|udp))?|[./~${[].*|[A-Za-z0-9_.-]*/.*)$`)
)

// What one of the patterns' matches holds for sure.
var (
	tokenParts  = []string{"eyJ", "ZXlK", "AKIA", "ASIA", "ABIA", "ACCA", "AROA", "AIDA", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "glpat-", "gldt-", "glrt-", "gloas-", "glptt-", "glft-", "glsoat-", "glcbt-", "glimt-", "glagent-", "glffct-", "xox", "xapp-", "AIza", "ya29.", "GOCSPX-", "hvs.", "hvb.", "hvr.", "dckr_", "npm_", "pypi-", "sk-", "sk_", "SG.", "AGE-SECRET", "cmVmdGtu", "kes:v1:", "k1:"}
	schemeParts = []string{"earer", "EARER", "asic", "ASIC", "igest", "IGEST", "egotiate", "EGOTIATE", "pikey", "piKey", "PIKEY", "plunk", "PLUNK", "enie", "AWS", "aws"}
	hookParts   = []string{"hooks.slack", "discord", "webhook", "chat.googleapis", "telegram", "pagerduty", "ifttt"}
	userParts   = []string{"-u", "-U", "--user", "--proxy-user", "creds"}
)

// shapes masks what is a secret by its shape. No shape goes over a line, and
// most lines have none that would be worth a closer look.
func (w *walker) shapes(s string) string {
	if !strings.Contains(s, "\n") {
		return w.shapesOf(s)
	}
	var out strings.Builder
	for line := range strings.Lines(s) {
		out.WriteString(w.shapesOf(line))
	}
	return out.String()
}

func (w *walker) shapesOf(s string) string {
	if containsAny(s, tokenParts) {
		s = tokens.ReplaceAllStringFunc(s, w.mask)
	}
	if containsAny(s, schemeParts) {
		s = w.schemes(s)
	}
	if strings.Contains(s, "=") && strings.ContainsAny(s, "?&;") {
		s = w.queries(s)
	}
	if containsAny(s, hookParts) {
		s = hook.ReplaceAllStringFunc(s, func(hit string) string {
			m := hook.FindStringSubmatch(hit)
			if m[2] == Mask {
				return hit
			}
			return m[1] + w.mask(m[2])
		})
	}
	return w.commands(s)
}

func (w *walker) schemes(s string) string {
	return scheme.ReplaceAllStringFunc(s, func(hit string) string {
		m := scheme.FindStringSubmatch(hit)
		word := strings.EqualFold(m[1], "bearer") && len(m[3]) >= 16
		if !word && !isLogin(m[3]) && !looksSecret(m[3]) {
			return hit
		}
		return m[1] + m[2] + w.mask(m[3])
	})
}

func (w *walker) queries(s string) string {
	return query.ReplaceAllStringFunc(s, func(hit string) string {
		m := query.FindStringSubmatch(hit)
		if !secretParameter(m[2]) || plain(m[3]) {
			return hit
		}
		return m[1] + m[2] + "=" + w.mask(m[3])
	})
}

// containsAny reports whether one of these words is in s: without one, a
// pattern finds nothing, and looking for it takes longer.
func containsAny(s string, words []string) bool {
	return slices.ContainsFunc(words, func(word string) bool { return strings.Contains(s, word) })
}

// commands masks logins in command lines.
func (w *walker) commands(s string) string {
	if strings.Contains(s, "alias") || strings.Contains(s, "config host") {
		s = w.aliases(s)
	}
	if containsAny(s, userParts) {
		s = userFlag.ReplaceAllStringFunc(s, func(hit string) string {
			m := userFlag.FindStringSubmatch(hit)
			return m[1] + w.login(m[2]+":"+m[3])
		})
	}
	if !strings.Contains(s, "-p") {
		return s
	}
	return passFlag.ReplaceAllStringFunc(s, func(hit string) string {
		m := passFlag.FindStringSubmatch(hit)
		if plain(m[2]) || place.MatchString(m[2]) || fileName.MatchString(m[2]) {
			return hit
		}
		return m[1] + w.mask(m[2])
	})
}

func (w *walker) aliases(s string) string {
	return alias.ReplaceAllStringFunc(s, func(hit string) string {
		m := alias.FindStringSubmatch(hit)
		out := m[1]
		for i, word := range strings.Fields(m[2]) {
			if i > 0 {
				out += " "
			}
			if !plain(word) {
				word = w.mask(strings.Trim(word, `"'`))
			}
			out += word
		}
		return out
	})
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
