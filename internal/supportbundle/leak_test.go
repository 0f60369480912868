package supportbundle

import (
	"testing"

	"github.com/aistor-upgrade/aistor-upgrade/internal/leaktest"
)

// No test leaves a goroutine behind.
func TestMain(m *testing.M) { leaktest.Main(m) }
