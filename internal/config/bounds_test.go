package config

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A file that is larger than any configuration is not read.
func TestHugeFilesAreRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "huge")
	if err := os.WriteFile(path, bytes.Repeat([]byte("#"), maxFile+1), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := readSecret(path); err == nil || !strings.Contains(err.Error(), "larger than") {
		t.Errorf("a secret's file: %v", err)
	}
	if _, err := Load(Options{Config: path}, func(string) string { return "" }); err == nil || !strings.Contains(err.Error(), "larger than") {
		t.Errorf("the configuration: %v", err)
	}
}
