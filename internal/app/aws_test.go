package app

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Credentials that are configured and can't be had are not the same as none: who
// asks is told which.
func TestWhyThereAreNoCredentialsIsSaid(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "config")
	text := "[profile sso]\nsso_start_url = https://acme.awsapps.com/start\nsso_region = us-east-1\nsso_account_id = 111122223333\nsso_role_name = reader\nregion = us-east-1\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{"HOME": dir, "AWS_CONFIG_FILE": file, "AWS_SHARED_CREDENTIALS_FILE": filepath.Join(dir, "none"),
		"AWS_EC2_METADATA_DISABLED": "true", "AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "AWS_SESSION_TOKEN": ""} {
		t.Setenv(name, value)
	}
	for profile, want := range map[string]string{"sso": "the SSO session has expired", "": "AWS_EC2_METADATA_DISABLED"} {
		t.Setenv("AWS_PROFILE", profile)
		_, err := LoadAWS(t.Context())
		if err == nil || !strings.Contains(err.Error(), "no AWS credentials") || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("profile %q: %v", profile, err)
		}
	}
}
