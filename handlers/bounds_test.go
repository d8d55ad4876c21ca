package handlers

import (
	"strings"
	"testing"
	"time"
)

// However long a line is, its first 40,000 bytes are read, in no time.
func TestAHugeLineIsReadInPart(t *testing.T) {
	begun := time.Now()
	words := strings.Repeat("An error occurred (ExpiredToken) ", 1<<20)
	a, err := Parse(words + " arn:aws:iam::111122223333:role/behind eu-west-1")
	if err != nil || !a.Pasted || a.Role != "" || a.Region != "" {
		t.Errorf("%+v, %v", a, err)
	}
	if a, err = Parse("arn:aws:iam::111122223333:role/before eu-west-1 " + words); err != nil || a.Region != "eu-west-1" || a.Role == "" {
		t.Errorf("%+v, %v", a, err)
	}
	if took := time.Since(begun); took > 3*time.Second {
		t.Errorf("it took %s", took)
	}
}
