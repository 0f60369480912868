package redact

import (
	"regexp"
	"slices"
	"strings"
)

// EnvValue is the value of an environment variable as it may be shown: whole
// where the name is known to be harmless, else hidden. Only what cannot be a
// secret, such as "true" or "30s", is shown under any other name. What a
// harmless value holds beside, such as a login in a URL, is hidden too.
func EnvValue(name, value string) string { return new(walker).env(name, value) }

// env hides a value and remembers it where its name, or its look, says that it
// is a secret.
func (w *walker) env(name, value string) string {
	s := strengthOf(name)
	switch {
	case showable(name, value):
		return value
	case s != certain && harmlessEnvValue(name, value):
		return w.redactText(w.known.maskKnown(value))
	case pathTo(name, value), numbered(name, value):
		return value
	case s == certain:
		return w.maskSecret(value)
	case s == harmless && (settingValue.MatchString(value) || strings.HasPrefix(value, "unix:///") && placeValue.MatchString(value)):
		return value
	}
	return w.unknown(value)
}

// settingValue is what says nothing: a truth value, a small number, a duration,
// a quantity, a level.
var settingValue = regexp.MustCompile(`^(?i:true|false|yes|no|on|off|none|auto|always|never|enabled?|disabled?|debug|info|warn|warning|error|trace|fatal|panic|critical|notice|console|json|text|plain|logfmt|[0-9]{1,3}|[0-9]{1,9}(?:\.[0-9]{1,3})?(?:ms|s|m|h|d|[KMGTP]i?B?|%)|EC:[0-9]{1,2})$`)

// harmlessEnvValue reports whether an environment variable of this name is
// known to hold a setting that everybody may see, and the value has its form.
func harmlessEnvValue(name, value string) bool {
	n := strings.ToUpper(name)
	for _, s := range harmlessSettings {
		if (s.form == nil || s.form.MatchString(value)) && slices.ContainsFunc(s.names, func(known string) bool {
			begin, group := strings.CutSuffix(known, "*")
			return n == known || group && strings.HasPrefix(n, begin)
		}) {
			return true
		}
	}
	target := minioTarget.FindStringSubmatch(n)
	if target == nil {
		return false
	}
	// The ID of a target may stand behind the setting.
	return slices.ContainsFunc(harmlessTargetSettings, func(s string) bool {
		return target[1] == s || strings.HasPrefix(target[1], s+"_") && strengthOf(strings.TrimPrefix(target[1], s)) == harmless
	})
}

// minioTarget is a setting of one of MinIO's targets: notification, log, audit,
// identity provider, key manager.
var minioTarget = regexp.MustCompile(`^MINIO_(?:NOTIFY_(?:AMQP|ELASTICSEARCH|KAFKA|MQTT|MYSQL|NATS|NSQ|POSTGRES|REDIS|WEBHOOK|ICEBERG)|LOGGER_WEBHOOK|LOGGER_KAFKA|AUDIT_WEBHOOK|AUDIT_KAFKA|LOG_QUERY|IDENTITY_(?:OPENID|LDAP|TLS|PLUGIN)|POLICY_PLUGIN|KMS_KES|KMS_SERVER|KMS|LAMBDA_WEBHOOK|CALLHOME|SUBNET|ETCD)_(.+)$`)

// dotenv is a line that sets an environment variable.
var dotenv = regexp.MustCompile(`^([ \t]*(?:export|set|ENV|declare -x)[ \t]+|[ \t]*)([A-Z][A-Z0-9_]*)=(.*)$`)

// dotenvLines hides the values of lines that set environment variables. Where
// nothing but the shape says that it is one, only MinIO's own names count.
func (w *walker) dotenvLines(s string) string {
	if !strings.Contains(s, "export ") && !strings.Contains(s, "MINIO_") && !strings.Contains(s, "KES_") && !strings.Contains(s, "ENV ") && !strings.Contains(s, "set ") && !strings.Contains(s, "declare ") {
		return s
	}
	var out strings.Builder
	for line := range strings.Lines(s) {
		out.WriteString(w.dotenvLine(line))
	}
	return out.String()
}

func (w *walker) dotenvLine(line string) string {
	if !strings.Contains(line, "=") {
		return line
	}
	text := strings.TrimRight(line, " \t\r\n")
	m := dotenv.FindStringSubmatch(text)
	if m == nil {
		return line
	}
	name, value := m[2], m[3]
	exported := strings.TrimSpace(m[1]) != ""
	if !exported && !strings.HasPrefix(name, "MINIO_") && !strings.HasPrefix(name, "KES_") || strengthOf(name) == certain {
		return line // [walker.maskAssignments] knows what belongs to the value
	}
	quote := openingQuote(value)
	inner := strings.TrimSuffix(strings.TrimPrefix(value, quote), quote)
	if inner == "" {
		return line
	}
	return m[1] + name + "=" + quote + w.env(name, inner) + quote + line[len(text):]
}
