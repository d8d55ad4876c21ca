package policy

import (
	"fmt"
	"strings"
)

// RoleName is the read-only role's name in member accounts, unless another is chosen.
const RoleName = "stsleuth-readonly"

// CloudFormation is the template of a member account's read-only role, which
// the bot assumes. As a StackSet it brings the role into every account of an
// organization. Role is the name that the template proposes.
//
// The role's session stays at the default hour: the bot's way to it is role
// chaining, which AWS ends after an hour.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles.html#iam-term-role-chaining
func CloudFormation(actions []string, s Scope, role string) (string, error) {
	s.Partition, s.Account, s.Members = "${AWS::Partition}", "${AWS::AccountId}", ""
	d, err := For(actions, s)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	fmt.Fprintf(&b, `AWSTemplateFormatVersion: "2010-09-09"
# Made by "stsleuth policy -o cloudformation"; do not edit.
#
# One account:
#   aws cloudformation deploy --template-file member-role.yaml --stack-name stsleuth \
#     --capabilities CAPABILITY_NAMED_IAM --parameter-overrides BotRoleArn=arn:aws:iam::111122223333:role/stsleuth ExternalId=...
# Every account of an organization, from its management account or a delegated administrator (IAM is global: one region is enough;
# a StackSet does not reach the management account itself, deploy the stack there as above):
#   aws cloudformation create-stack-set --stack-set-name stsleuth --template-body file://member-role.yaml \
#     --capabilities CAPABILITY_NAMED_IAM --permission-model SERVICE_MANAGED --auto-deployment Enabled=true,RetainStacksOnAccountRemoval=false \
#     --parameters ParameterKey=BotRoleArn,ParameterValue=arn:aws:iam::111122223333:role/stsleuth ParameterKey=ExternalId,ParameterValue=...
#   aws cloudformation create-stack-instances --stack-set-name stsleuth --regions us-east-1 \
#     --deployment-targets OrganizationalUnitIds=r-abcd
Description: Read-only role that stsleuth assumes to find out why STS credentials expire
Parameters:
  BotRoleArn:
    Type: String
    Description: ARN of the role that the bot runs as, and of nothing else
    AllowedPattern: "^arn:(aws|aws-cn|aws-us-gov):iam::[0-9]{12}:role/[A-Za-z0-9+=,.@_/-]{1,576}$"
  ExternalId:
    Type: String
    NoEcho: true
    Description: A secret of your own making, the same as external_id in stsleuth's account map
    MinLength: 16
    MaxLength: 1224
    AllowedPattern: "^[A-Za-z0-9_+=,.@:/-]+$"
  RoleName:
    Type: String
    Default: %s
    AllowedPattern: "^[A-Za-z0-9+=,.@_-]{1,64}$"
Resources:
  Role:
    Type: AWS::IAM::Role
    Properties:
      RoleName: !Ref RoleName
      Description: stsleuth reads IAM, CloudTrail, CloudWatch and Health with this; it changes nothing
      MaxSessionDuration: 3600
      AssumeRolePolicyDocument:
        Version: "2012-10-17"
        Statement:
          - Effect: Allow
            Principal:
              AWS: !Ref BotRoleArn
            Action: sts:AssumeRole
            Condition:
              StringEquals:
                sts:ExternalId: !Ref ExternalId
      Policies:
        - PolicyName: stsleuth-readonly
          PolicyDocument:
            Version: "2012-10-17"
            Statement:
`, role)
	for _, st := range d.Statement {
		fmt.Fprintf(&b, "              - Sid: %s\n                Effect: %s\n                Action:\n", st.Sid, st.Effect)
		for _, a := range st.Action {
			fmt.Fprintf(&b, "                  - %s\n", a)
		}
		b.WriteString("                Resource:\n")
		for _, r := range st.Resource {
			if strings.Contains(r, "${") {
				fmt.Fprintf(&b, "                  - !Sub %q\n", r)
			} else {
				fmt.Fprintf(&b, "                  - %q\n", r)
			}
		}
	}
	b.WriteString(`Outputs:
  RoleArn:
    Description: For stsleuth's account map
    Value: !GetAtt Role.Arn
`)
	return b.String(), nil
}
