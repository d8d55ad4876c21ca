package gentrail

import (
	"fmt"
	"math/rand/v2"
	"time"
)

// call is one kind of background traffic, with how often it is met.
type call struct {
	weight              int
	source, name        string
	readOnly            bool
	request, additional string // %s is an identifier
}

// traffic is a mix as a busy production account has it: many reads and decryptions, about three in a hundred STS and IAM.
var traffic = []call{
	{210, "kms", "Decrypt", true, `{"encryptionContext":{"aws:secretsmanager:arn":"arn:aws:secretsmanager:eu-west-1:111122223333:secret:prod/%[1]s/db-Ab3dEf","aws:s3:arn":"arn:aws:s3:::prod-%[1]s-objects"},"encryptionAlgorithm":"SYMMETRIC_DEFAULT"}`, `{"keyMaterialId":"%[2]s%[2]s"}`},
	{140, "ec2", "DescribeInstances", true, `{"maxResults":1000,"instancesSet":{},"filterSet":{"items":[{"name":"tag:service","valueSet":{"items":[{"value":"%[1]s"}]}},{"name":"instance-state-name","valueSet":{"items":[{"value":"running"}]}}]}}`, ``},
	{120, "s3", "GetBucketAcl", true, `{"bucketName":"prod-%[1]s-objects","Host":"prod-%[1]s-objects.s3.eu-west-1.amazonaws.com","acl":""}`, `{"SignatureVersion":"SigV4","CipherSuite":"TLS_AES_128_GCM_SHA256","bytesTransferredIn":0,"AuthenticationMethod":"AuthHeader","x-amz-id-2":"%[2]s%[2]s","bytesTransferredOut":480}`},
	{110, "secretsmanager", "GetSecretValue", true, `{"secretId":"arn:aws:secretsmanager:eu-west-1:111122223333:secret:prod/%[1]s/db-Ab3dEf","versionStage":"AWSCURRENT"}`, ``},
	{90, "ssm", "GetParameters", true, `{"names":["/prod/%[1]s/flags","/prod/%[1]s/limits","/prod/%[1]s/endpoints"],"withDecryption":true}`, ``},
	{80, "dynamodb", "DescribeTable", true, `{"tableName":"prod-%[1]s-orders"}`, ``},
	{60, "elasticloadbalancing", "DescribeTargetHealth", true, `{"targetGroupArn":"arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/%[1]s/0123456789abcdef"}`, ``},
	{55, "autoscaling", "DescribeAutoScalingGroups", true, `{"autoScalingGroupNames":["prod-%[1]s-a","prod-%[1]s-b"],"maxRecords":100}`, ``},
	{50, "logs", "CreateLogStream", false, `{"logGroupName":"/prod/%[1]s","logStreamName":"%[1]s/%[2]s"}`, ``},
	{30, "lambda", "UpdateFunctionCode20150331v2", false, `{"functionName":"%[1]s-thumbnailer","publish":true,"dryRun":false,"architectures":["arm64"]}`, ``},
	{25, "ecs", "RegisterTaskDefinition", false, `{"family":"%[1]s","networkMode":"awsvpc","cpu":"512","memory":"1024","containerDefinitions":[{"name":"app","image":"111122223333.dkr.ecr.eu-west-1.amazonaws.com/%[1]s:%[2]s","essential":true,"environment":[]}]}`, ``},
	{16, "sts", "AssumeRole", true, `{"roleArn":"arn:aws:iam::111122223333:role/%[1]s","roleSessionName":"%[1]s-%[2]s","durationSeconds":3600}`, `{"ExtendedRequestId":"%[2]s","RequestDetails":{"awsServingRegion":"eu-west-1","endpointType":"regional"}}`},
	{8, "sts", "GetCallerIdentity", true, `null`, `{"ExtendedRequestId":"%[2]s","RequestDetails":{"awsServingRegion":"eu-west-1","endpointType":"regional"}}`},
	{5, "iam", "GetRole", true, `{"roleName":"%[1]s"}`, ``},
	{1, "iam", "PutRolePolicy", false, `{"roleName":"%[1]s","policyName":"access","policyDocument":"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"s3:*\",\"Resource\":\"arn:aws:s3:::prod-%[1]s-objects/*\"}]}"}`, ``},
}

var (
	services = []string{"orders", "checkout", "catalog", "search-indexer", "thumbnailer", "payments-api", "ledger", "mailer", "session-store", "app", "app-admin"}
	agents   = []string{
		"aws-sdk-java/2.28.11 md/io#sync md/http#Apache ua/2.1 os/Linux#5.10.226-214.880.amzn2.x86_64 lang/java#17.0.12 md/OpenJDK_64-Bit_Server_VM#17.0.12+7-LTS md/vendor#Amazon.com_Inc. md/en_US exec-env/AWS_ECS_FARGATE m/C,N cfg/auth-source#container",
		"Boto3/1.35.36 md/Botocore#1.35.36 ua/2.0 os/linux#6.1.109-118.189.amzn2023.x86_64 md/arch#x86_64 lang/python#3.12.6 md/pyimpl#CPython cfg/retry-mode#standard exec-env/AWS_EKS_EC2 Botocore/1.35.36",
		"APN/1.0 HashiCorp/1.0 Terraform/1.9.7 (+https://www.terraform.io) terraform-provider-aws/5.70.0 (+https://registry.terraform.io/providers/hashicorp/aws) aws-sdk-go-v2/1.31.0 ua/2.1 os/linux lang/go#1.23.1 md/GOOS#linux md/GOARCH#amd64 api/ec2#1.177.0",
	}
	weights = func() (sum int) {
		for _, c := range traffic {
			sum += c.weight
		}
		return sum
	}()
)

const account = "111122223333"

// writer makes records from one seed.
type writer struct{ rnd *rand.Rand }

func (w writer) id() string {
	return fmt.Sprintf("%08x-%04x-4%03x-a%03x-%012x", w.rnd.Uint32(), w.rnd.IntN(1<<16), w.rnd.IntN(1<<12), w.rnd.IntN(1<<12), w.rnd.Uint64N(1<<48))
}

func (w writer) letters(n int) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
	b := make([]byte, n)
	for i := range b {
		b[i] = alphabet[w.rnd.IntN(len(alphabet))]
	}
	return string(b)
}

// background appends one record of everyday traffic, and says for which region.
func (w writer) background(b []byte, at time.Time) (record []byte, region string) {
	n := w.rnd.IntN(weights)
	c := traffic[0]
	for _, c = range traffic {
		if n -= c.weight; n < 0 {
			break
		}
	}
	region = "eu-west-1"
	if c.source == "iam" {
		region = "us-east-1"
	}
	service := services[w.rnd.IntN(len(services))]
	session := fmt.Sprintf("%016x", w.rnd.Uint64())
	principal := "AROA" + w.letters(17)
	response := "null"
	resources := ""
	if c.name == "AssumeRole" {
		target := "arn:aws:iam::111122223333:role/" + service
		response = fmt.Sprintf(`{"credentials":{"accessKeyId":"ASIA%s","sessionToken":"IQoJb3JpZ2luX2VjE%s==","expiration":"%s"},"assumedRoleUser":{"assumedRoleId":"AROA%s:%s-%s","arn":"arn:aws:sts::111122223333:assumed-role/%s/%s-%s"}}`,
			w.letters(16), w.letters(360), at.Add(time.Hour).Format("Jan 2, 2006, 3:04:05 PM"), w.letters(17), service, session, service, service, session)
		resources = fmt.Sprintf(`"resources":[{"accountId":"%s","type":"AWS::IAM::Role","ARN":"%s"}],`, account, target)
	} else {
		resources = fmt.Sprintf(`"resources":[{"accountId":"%s","type":"AWS::KMS::Key","ARN":"arn:aws:kms:eu-west-1:%s:key/%s"}],`, account, account, w.id())
	}
	caller := services[w.rnd.IntN(len(services))] + "-host"
	b = fmt.Appendf(b, `{"eventVersion":"1.11","userIdentity":{"type":"AssumedRole","principalId":"%[1]s:i-%[2]s","arn":"arn:aws:sts::%[3]s:assumed-role/%[4]s/i-%[2]s","accountId":"%[3]s","accessKeyId":"ASIA%[5]s","sessionContext":{"sessionIssuer":{"type":"Role","principalId":"%[1]s","arn":"arn:aws:iam::%[3]s:role/%[4]s","accountId":"%[3]s","userName":"%[4]s"},"attributes":{"creationDate":"%[6]s","mfaAuthenticated":"false"},"ec2RoleDelivery":"2.0"},"inScopeOf":{"issuerType":"AWS::EC2::Instance","credentialsIssuedTo":"arn:aws:ec2:eu-west-1:%[3]s:instance/i-%[2]s"}},`,
		principal, session, account, caller, w.letters(16), at.Add(-time.Duration(w.rnd.IntN(3600))*time.Second).Format(time.RFC3339))
	b = fmt.Appendf(b, `"eventTime":"%s","eventSource":"%s.amazonaws.com","eventName":"%s","awsRegion":"%s","sourceIPAddress":"10.%d.%d.%d","userAgent":"%s","requestParameters":`,
		at.Format(time.RFC3339), c.source, c.name, region, w.rnd.IntN(64), w.rnd.IntN(256), 1+w.rnd.IntN(254), agents[w.rnd.IntN(len(agents))])
	b = fill(b, c.request, service, session)
	b = fmt.Appendf(b, `,"responseElements":%s,`, response)
	if c.additional != "" {
		b = append(b, `"additionalEventData":`...)
		b = fill(b, c.additional, service, session)
		b = append(b, ',')
	}
	b = fmt.Appendf(b, `"requestID":"%s","eventID":"%s","readOnly":%t,%s"eventType":"AwsApiCall","managementEvent":true,"recipientAccountId":"%s","vpcEndpointId":"vpce-%s","vpcEndpointAccountId":"%s","eventCategory":"Management","tlsDetails":{"tlsVersion":"TLSv1.3","cipherSuite":"TLS_AES_128_GCM_SHA256","clientProvidedHostHeader":"%s.%s.amazonaws.com"}}`,
		w.id(), w.id(), c.readOnly, resources, account, session, account, c.source, region)
	return b, region
}

// fill is Appendf for a format that need not use every argument.
func fill(b []byte, format, service, session string) []byte {
	return fmt.Appendf(b, format+"%[3]s", service, session, "")
}
