package policy

import (
	"fmt"
	"strings"
)

// Terraform is the same role as [CloudFormation]'s, for accounts that are kept
// in Terraform. Role is the name that it proposes.
func Terraform(actions []string, s Scope, role string) (string, error) {
	s.Partition, s.Account, s.Members = "${data.aws_partition.current.partition}", "${data.aws_caller_identity.current.account_id}", ""
	d, err := For(actions, s)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	fmt.Fprintf(&b, `# Made by "stsleuth policy -o terraform"; do not edit.

variable "bot_role_arn" {
  type        = string
  description = "ARN of the role that the bot runs as, and of nothing else"
}

variable "external_id" {
  type        = string
  sensitive   = true
  description = "A secret of your own making, the same as external_id in stsleuth's account map"
}

variable "role_name" {
  type    = string
  default = %q
}

data "aws_partition" "current" {}

data "aws_caller_identity" "current" {}

data "aws_iam_policy_document" "trust" {
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "AWS"
      identifiers = [var.bot_role_arn]
    }
    condition {
      test     = "StringEquals"
      variable = "sts:ExternalId"
      values   = [var.external_id]
    }
  }
}

data "aws_iam_policy_document" "read" {
`, role)
	for i, st := range d.Statement {
		if i > 0 {
			b.WriteString("\n")
		}
		fmt.Fprintf(&b, "  statement {\n    sid       = %q\n    actions   = %s\n    resources = %s\n  }\n", st.Sid, hclList(st.Action), hclList(st.Resource))
	}
	b.WriteString(`}

resource "aws_iam_role" "stsleuth" {
  name                 = var.role_name
  description          = "stsleuth reads IAM, CloudTrail, CloudWatch and Health with this; it changes nothing"
  max_session_duration = 3600
  assume_role_policy   = data.aws_iam_policy_document.trust.json
}

resource "aws_iam_role_policy" "read" {
  name   = "stsleuth-readonly"
  role   = aws_iam_role.stsleuth.id
  policy = data.aws_iam_policy_document.read.json
}

output "role_arn" {
  value = aws_iam_role.stsleuth.arn
}
`)
	return b.String(), nil
}

// hclList is a list of HCL strings; what is quoted may hold interpolations.
func hclList(list []string) string {
	quoted := make([]string, len(list))
	for i, s := range list {
		quoted[i] = `"` + s + `"`
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}
