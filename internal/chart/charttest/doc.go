// Package charttest makes chart archives for tests: what a chart repository
// serves, without Helm. It knows nothing of AIStor's charts.
package charttest
