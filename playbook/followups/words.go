package followups

import "strings"

// principal drops the session from an assumed-role ARN: a role's sessions are one
// caller.
func principal(arn string) string {
	if i := strings.Index(arn, ":assumed-role/"); i >= 0 {
		if j := strings.LastIndexByte(arn, '/'); j > i+len(":assumed-role/") {
			return arn[:j]
		}
	}
	return arn
}

// short is what people call a principal: "role batch-runner", "user ci".
func short(arn string) string {
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) != 6 {
		return arn
	}
	kind, rest, _ := strings.Cut(parts[5], "/")
	switch kind {
	case "assumed-role":
		role, _, _ := strings.Cut(rest, "/")
		return "role " + role
	case "role", "user":
		return kind + " " + rest[strings.LastIndexByte(rest, '/')+1:]
	case "root":
		return "account " + parts[4]
	}
	return parts[5]
}

// part is one colon-separated field of an ARN, "" where there is none.
func part(arn string, n int) string {
	if parts := strings.SplitN(arn, ":", 6); len(parts) == 6 {
		return parts[n]
	}
	return ""
}

// accountIn is the account that an ARN names.
func accountIn(arn string) string { return part(arn, 4) }
