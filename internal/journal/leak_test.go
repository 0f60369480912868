package journal_test

import (
	"testing"

	"github.com/aistor-upgrade/aistor-upgrade/internal/leaktest"
)

func TestMain(m *testing.M) { leaktest.Main(m) }
