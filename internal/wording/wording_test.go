package wording

import (
	"testing"
	"time"

	"github.com/stsleuth/stsleuth/playbook"
)

func TestValuesAreWrittenForPeople(t *testing.T) {
	for _, tc := range []struct{ got, want string }{
		{Count(1, "call", "calls"), "1 call"},
		{Count(0, "call", "calls"), "0 calls"},
		{Span(0), "0 s"},
		{Span(400 * time.Millisecond), "400 ms"},
		{Span(-45 * time.Second), "45 s"},
		{Span(3*time.Hour + 12*time.Minute + 9*time.Second), "3 h 12 min"},
		{Span(25 * time.Hour), "1 d 1 h"},
		{Seconds(0), "not set"},
		{Seconds(3600), "1 h"},
		{Window(24 * time.Hour), "24 h"},
		{Window(72 * time.Hour), "72 h"},
		{Window(7 * 24 * time.Hour), "7 days"},
		{Window(90 * time.Minute), "1 h 30 min"},
		{Bytes(1), "1 byte"},
		{Bytes(999), "999 bytes"},
		{Bytes(999_950), "1.0 MB"},
		{Bytes(1_234_567), "1.2 MB"},
		{Bytes(5e15), "5000.0 TB"},
		{Dollars(0), "nothing"},
		{Dollars(0.0001), "less than a cent"},
		{Dollars(0.01), "$0.01"},
		{Dollars(2.5), "$2.50"},
		{UTC(time.Time{}), "not known"},
		{Offer(playbook.Extend48h, 24*time.Hour), "Extend to 48 h"},
		{Offer(playbook.Extend48h, 48*time.Hour), "Extend to 7 days"},
		{Offer(playbook.Extend48h, 7*24*time.Hour), ""},
		{Offer(playbook.MFADevices, 0), "MFA devices"},
		{Capital("could not see"), "Could not see"},
		{Capital(""), ""},
	} {
		if tc.got != tc.want {
			t.Errorf("got %q, want %q", tc.got, tc.want)
		}
	}
}
