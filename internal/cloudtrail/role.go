package cloudtrail

import "strings"

// Role names a role as a record may name it. Path "" means that the path is not known and is not compared; a role
// without a path has Path "/".
type Role struct{ Partition, Account, Path, Name string }

// ParseRole reads a role's ARN, arn:<partition>:iam::<account>:role/<path><name>.
func ParseRole(arn string) (Role, bool) {
	partition, rest, ok := cutARN(arn, "iam", "role/")
	if !ok {
		return Role{}, false
	}
	account, path, _ := strings.Cut(rest, "\x00")
	i := strings.LastIndexByte(path, '/')
	r := Role{Partition: partition, Account: account, Path: "/" + path[:i+1], Name: path[i+1:]}
	return r, r.Name != ""
}

// cutARN splits arn:<partition>:<service>::<account>:<prefix><rest> and returns the partition and "account\x00rest".
func cutARN(arn, service, prefix string) (partition, rest string, ok bool) {
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) != 6 || parts[0] != "arn" || parts[2] != service || !strings.HasPrefix(parts[5], prefix) {
		return "", "", false
	}
	return parts[1], parts[4] + "\x00" + parts[5][len(prefix):], true
}

// ARN is the role's ARN; of a role without a known path it is the ARN with the path "/".
func (r Role) ARN() string {
	path := r.Path
	if path == "" {
		path = "/"
	}
	return "arn:" + r.Partition + ":iam::" + r.Account + ":role" + path + r.Name
}

// Is says whether a role ARN is this role's: by equality, never by prefix, for one name may begin another.
func (r Role) Is(arn string) bool {
	if r.Name == "" || !strings.HasSuffix(arn, r.Name) {
		return false
	}
	o, ok := ParseRole(arn)
	return ok && o.Name == r.Name && o.Account == r.Account && o.Partition == r.Partition && (r.Path == "" || o.Path == r.Path)
}

// Session says whether an assumed-role ARN (arn:…:sts::<account>:assumed-role/<name>/<session>) is one of the role's.
// Such ARNs never carry the role's path.
func (r Role) Session(arn string) bool {
	partition, rest, ok := cutARN(arn, "sts", "assumed-role/")
	if !ok {
		return false
	}
	account, name, _ := strings.Cut(rest, "\x00")
	name, _, _ = strings.Cut(name, "/")
	return partition == r.Partition && account == r.Account && name == r.Name
}

// Concerns says whether the record is about the role as what was asked for or changed. A refused AssumeRole may name
// the role only in its error message; IAM's own events carry only the name, in the account of the role.
func (r Record) Concerns(role Role) bool {
	if role.Name == "" {
		return false
	}
	if role.Is(r.Request.RoleARN) || role.Is(r.Response.RoleARN) || role.Session(r.Response.AssumedRoleARN) {
		return true
	}
	for _, res := range r.Resources {
		if role.Is(res.ARN) {
			return true
		}
	}
	if r.Request.RoleName != "" && r.sameAccount(role) {
		if r.Request.RoleName == role.Name {
			return true
		}
		// Identity Center asks by permission set; the role made for it is AWSReservedSSO_<set>_<hash>.
		if r.EventSource == "sso.amazonaws.com" && strings.HasPrefix(role.Name, "AWSReservedSSO_"+r.Request.RoleName+"_") {
			return true
		}
	}
	return role.In(r.ErrorMessage)
}

func (r Record) sameAccount(role Role) bool {
	account := r.RecipientAccountID
	if r.Request.AccountID != "" {
		account = r.Request.AccountID
	}
	return account == "" || account == role.Account
}

// UsedBy says whether the caller was a session of the role.
func (r Record) UsedBy(role Role) bool {
	return role.Session(r.Identity.ARN) ||
		r.Identity.Type == "AssumedRole" && r.Identity.SessionIssuer.UserName == role.Name && r.Identity.SessionIssuer.AccountID == role.Account
}

// In says whether a text names the role by its whole ARN: app is not in a message about app-admin.
func (r Role) In(text string) bool {
	for {
		i := strings.Index(text, "arn:")
		if i < 0 {
			return false
		}
		text = text[i:]
		end := strings.IndexFunc(text, func(c rune) bool { return !arnRune(c) })
		if end < 0 {
			end = len(text)
		}
		arn := text[:end]
		// A name may hold dots and commas, but at the end of an ARN in a sentence they are the sentence's.
		if r.Is(arn) || r.Is(strings.TrimRight(arn, ".,")) {
			return true
		}
		text = text[max(end, len("arn:")):]
	}
}

// arnRune says whether c can be part of a role's ARN.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
func arnRune(c rune) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.ContainsRune("+=,.@_-/:", c)
}
