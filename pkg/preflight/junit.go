package preflight

import (
	"encoding/xml"
	"fmt"
	"strings"

	"github.com/aistor-upgrade/aistor-upgrade/internal/message"
)

// junitSuites and those below are the parts of JUnit's format that build
// servers read.
type junitSuites struct {
	XMLName  xml.Name     `xml:"testsuites"`
	Tests    int          `xml:"tests,attr"`
	Failures int          `xml:"failures,attr"`
	Errors   int          `xml:"errors,attr"`
	Suites   []junitSuite `xml:"testsuite"`
}

type junitSuite struct {
	Name     string      `xml:"name,attr"`
	Tests    int         `xml:"tests,attr"`
	Failures int         `xml:"failures,attr"`
	Errors   int         `xml:"errors,attr"`
	Skipped  int         `xml:"skipped,attr"`
	Cases    []junitCase `xml:"testcase"`
}

type junitCase struct {
	Class   string      `xml:"classname,attr"`
	Name    string      `xml:"name,attr"`
	Failure *junitCause `xml:"failure,omitempty"`
	Error   *junitCause `xml:"error,omitempty"`
	Skipped *junitCause `xml:"skipped,omitempty"`
	Output  string      `xml:"system-out,omitempty"`
}

type junitCause struct {
	Message string `xml:"message,attr"`
	Text    string `xml:",chardata"`
}

// JUnit is the report in JUnit's XML format, for build servers. A warning is a
// passed case with output, unless warnings count as failures; a waived finding
// is skipped, with the reason.
func (r *Report) JUnit() ([]byte, error) {
	suite := junitSuite{Name: r.Kind, Tests: len(r.Results)}
	for _, one := range r.Results {
		c := junitCase{Class: r.Kind, Name: message.Line(one.ID)}
		cause := &junitCause{Message: message.Line(one.Message), Text: one.detailText()}
		switch {
		case one.Waived != "":
			c.Skipped = &junitCause{Message: "waived: " + message.Line(one.Waived), Text: cause.Text}
			suite.Skipped++
		case one.Status == Skip:
			c.Skipped = cause
			suite.Skipped++
		case one.Status == Error:
			c.Error = cause
			suite.Errors++
		case one.Status == Fail || (one.Status == Warn && r.FailOnWarn):
			c.Failure = cause
			suite.Failures++
		default:
			c.Output = strings.TrimSpace(string(one.Status) + ": " + message.Line(one.Message) + "\n" + one.detailText())
		}
		suite.Cases = append(suite.Cases, c)
	}
	b, err := xml.MarshalIndent(junitSuites{Tests: suite.Tests, Failures: suite.Failures, Errors: suite.Errors, Suites: []junitSuite{suite}}, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("writing junit: %w", err)
	}
	return append([]byte(xml.Header), append(b, '\n')...), nil
}

// detailText is everything a result says below its first line.
func (r Result) detailText() string {
	lines := r.Details
	for _, p := range [][2]string{{"observed: ", r.Observed}, {"required: ", r.Required}, {"remedy: ", r.Remedy}} {
		if p[1] != "" {
			lines = append(lines[:len(lines):len(lines)], p[0]+p[1])
		}
	}
	return string(message.List(lines, "\n"))
}
