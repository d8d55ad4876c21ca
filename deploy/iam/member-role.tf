# Made by "stsleuth policy -o terraform"; do not edit.

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
  default = "stsleuth-readonly"
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
  statement {
    sid       = "Roles"
    actions   = ["iam:GetRole", "iam:ListRolePolicies", "iam:GetRolePolicy", "iam:ListAttachedRolePolicies"]
    resources = ["arn:${data.aws_partition.current.partition}:iam::${data.aws_caller_identity.current.account_id}:role/*"]
  }

  statement {
    sid       = "Policies"
    actions   = ["iam:GetPolicy", "iam:GetPolicyVersion"]
    resources = ["arn:${data.aws_partition.current.partition}:iam::${data.aws_caller_identity.current.account_id}:policy/*", "arn:${data.aws_partition.current.partition}:iam::aws:policy/*"]
  }

  statement {
    sid       = "Users"
    actions   = ["iam:GetUser", "iam:ListMFADevices"]
    resources = ["arn:${data.aws_partition.current.partition}:iam::${data.aws_caller_identity.current.account_id}:user/*"]
  }

  statement {
    sid       = "OIDCProviders"
    actions   = ["iam:GetOpenIDConnectProvider"]
    resources = ["arn:${data.aws_partition.current.partition}:iam::${data.aws_caller_identity.current.account_id}:oidc-provider/*"]
  }

  statement {
    sid       = "SAMLProviders"
    actions   = ["iam:GetSAMLProvider"]
    resources = ["arn:${data.aws_partition.current.partition}:iam::${data.aws_caller_identity.current.account_id}:saml-provider/*"]
  }

  statement {
    sid       = "IAMLists"
    actions   = ["iam:ListRoles", "iam:ListOpenIDConnectProviders", "iam:ListSAMLProviders", "iam:GetAccountSummary", "iam:ListAccountAliases"]
    resources = ["*"]
  }

  statement {
    sid       = "Trails"
    actions   = ["cloudtrail:GetTrailStatus", "cloudtrail:GetEventSelectors"]
    resources = ["arn:${data.aws_partition.current.partition}:cloudtrail:*:*:trail/*"]
  }

  statement {
    sid       = "TrailLists"
    actions   = ["cloudtrail:DescribeTrails", "cloudtrail:LookupEvents"]
    resources = ["*"]
  }

  statement {
    sid       = "ReadLogs"
    actions   = ["logs:StartQuery", "logs:FilterLogEvents", "logs:DescribeMetricFilters"]
    resources = ["arn:${data.aws_partition.current.partition}:logs:*:*:log-group:*"]
  }

  statement {
    sid       = "Logs"
    actions   = ["logs:DescribeLogGroups", "logs:GetQueryResults", "logs:StopQuery"]
    resources = ["*"]
  }

  statement {
    sid       = "Metrics"
    actions   = ["cloudwatch:ListMetrics", "cloudwatch:GetMetricData"]
    resources = ["*"]
  }

  statement {
    sid       = "Health"
    actions   = ["health:DescribeEvents", "health:DescribeEventDetails"]
    resources = ["*"]
  }

  statement {
    sid       = "Regions"
    actions   = ["account:GetRegionOptStatus"]
    resources = ["*"]
  }
}

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
