package term

import (
	"fmt"
	"io"

	"github.com/aistor-upgrade/aistor-upgrade/internal/message"
)

// FormatBytes is a size as people read it.
func FormatBytes(n int64) string {
	const unit = 1000
	if n < unit {
		return fmt.Sprintf("%d B", n)
	}
	div, exp := int64(unit), 0
	for v := n / unit; v >= unit; v /= unit {
		div *= unit
		exp++
	}
	return fmt.Sprintf("%.1f %cB", float64(n)/float64(div), "kMGTPE"[exp])
}

// PrintLine writes the lines of format and drops the error: what is written to a
// closed pipe is not missed. What args say cannot begin a line: see
// [message.Sprintf].
func PrintLine(w io.Writer, format string, args ...any) {
	fmt.Fprint(w, message.Sprintf(format, args...)+"\n")
}
