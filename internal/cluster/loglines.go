package cluster

import (
	"encoding/json"
	"regexp"
	"strings"
)

// The patterns are constants in all but name: Go has none of this type. How
// the operator writes its log is not published, so all usual forms are known.
var (
	// klogPrefix begins a line of klog's: E0102 15:04:05.000000
	klogPrefix = regexp.MustCompile(`^[A-Z]\d{4} \d\d:\d\d:\d\d\.\d+\s+\d+ [^\]]*\] ?`)
	// textErrorLevel is a level in a line of text.
	textErrorLevel = regexp.MustCompile(`(?i)(?:^|\s|\[)(?:level=)?(?:error|fatal|panic)(?:\]|:|\s|$)`)
	// relevantError matches the relevant errors: pulling and reconciling.
	relevantError = regexp.MustCompile(`(?i)pull|image|manifest|registry|reconcil|sync|unauthor|forbidden|denied|fail|panic|cannot|can't|unable`)
	// retriedConflict are conflicts that a controller meets every day and tries again.
	retriedConflict = regexp.MustCompile(`the object has been modified; please apply your changes`)
	// variablePart is what makes two lines about one thing differ.
	variablePart = regexp.MustCompile(`[0-9a-f]{8,}|\d+`)
)

// messageLimit cuts a log's line.
const messageLimit = 400

// parseErrorLine is what a line of a log says of an error of pulling or reconciling;
// false where it tells of none.
func parseErrorLine(line string) (string, bool) {
	message, is := "", false
	switch {
	case strings.HasPrefix(line, "{"):
		message, is = parseJSONErrorLine(line)
	case klogPrefix.MatchString(line):
		message, is = klogPrefix.ReplaceAllString(line, ""), line[0] == 'E' || line[0] == 'F'
	default:
		message, is = line, textErrorLevel.MatchString(line)
	}
	if !is || !relevantError.MatchString(message) || retriedConflict.MatchString(message) {
		return "", false
	}
	message = strings.Join(strings.Fields(message), " ")
	if len(message) > messageLimit {
		message = strings.ToValidUTF8(message[:messageLimit], "") + "…"
	}
	return message, true
}

// parseJSONErrorLine reads one line of a structured log.
func parseJSONErrorLine(line string) (string, bool) {
	var l struct {
		Level   any    `json:"level"`
		Msg     string `json:"msg"`
		Message string `json:"message"`
		Error   any    `json:"error"`
		Err     any    `json:"err"`
	}
	if json.Unmarshal([]byte(line), &l) != nil {
		return "", false
	}
	level, _ := l.Level.(string)
	switch strings.ToLower(level) {
	case "error", "fatal", "panic", "dpanic":
	default:
		return "", false
	}
	parts := []string{}
	for _, part := range []any{l.Msg, l.Message, l.Error, l.Err} {
		if s, ok := part.(string); ok && s != "" {
			parts = append(parts, s)
		} else if part != nil && !ok {
			b, _ := json.Marshal(part)
			parts = append(parts, string(b))
		}
	}
	return strings.Join(parts, ": "), true
}

// maskNumbers is the same for messages that differ in numbers only.
func maskNumbers(message string) string { return variablePart.ReplaceAllString(message, "#") }
