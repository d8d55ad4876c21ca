package awsemu

import (
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/stsleuth/stsleuth/internal/capture"
)

// user finds a user. Without a name IAM means the caller, which is a classic way to ask about the wrong one.
func (r *request) user(name *string) (*capture.User, error) {
	if name == nil {
		if r.caller.temporary {
			return nil, fail("ValidationError", "Must specify userName when calling with non-User credentials")
		}
		return &capture.User{UserName: lastPart(r.caller.arn, "/"), Arn: r.caller.arn, UserID: r.caller.userID, CreateDate: r.now()}, nil
	}
	n, err := named("userName", name)
	if err != nil {
		return nil, err
	}
	for i := range r.incident.IAM.Users {
		if u := &r.incident.IAM.Users[i]; strings.EqualFold(u.UserName, n) {
			return u, nil
		}
	}
	return nil, noSuch("The user with name %s cannot be found.", n)
}

func wireUser(u *capture.User) *iamtypes.User {
	path := u.Path
	if path == "" {
		_, name, _ := strings.Cut(u.Arn, ":user")
		path = strings.TrimSuffix(name, u.UserName)
	}
	return &iamtypes.User{UserName: &u.UserName, Arn: &u.Arn, UserId: &u.UserID, Path: &path,
		CreateDate: when(u.CreateDate), PasswordLastUsed: u.PasswordLastUsed}
}

func (s *Server) getUser(r *request, in *iam.GetUserInput) (*iam.GetUserOutput, error) {
	u, err := r.user(in.UserName)
	if err != nil {
		return nil, err
	}
	return &iam.GetUserOutput{User: wireUser(u)}, nil
}

func (s *Server) listMFADevices(r *request, in *iam.ListMFADevicesInput) (*iam.ListMFADevicesOutput, error) {
	u, err := r.user(in.UserName)
	if err != nil {
		return nil, err
	}
	devices, more, marker, err := iamPaged(s, r, u.MFADevices, in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	out := &iam.ListMFADevicesOutput{MFADevices: []iamtypes.MFADevice{}, IsTruncated: more, Marker: marker}
	for _, d := range devices {
		out.MFADevices = append(out.MFADevices, iamtypes.MFADevice{UserName: &u.UserName, SerialNumber: aws.String(d.SerialNumber), EnableDate: when(d.EnableDate)})
	}
	return out, nil
}

// listVirtualMFADevices knows only devices that somebody has: the capture lists devices by user.
func (s *Server) listVirtualMFADevices(r *request, in *iam.ListVirtualMFADevicesInput) (*iam.ListVirtualMFADevicesOutput, error) {
	var all []iamtypes.VirtualMFADevice
	for i := range r.incident.IAM.Users {
		u := &r.incident.IAM.Users[i]
		for _, d := range u.MFADevices {
			if strings.Contains(d.SerialNumber, ":mfa/") && in.AssignmentStatus != iamtypes.AssignmentStatusTypeUnassigned {
				all = append(all, iamtypes.VirtualMFADevice{SerialNumber: aws.String(d.SerialNumber), EnableDate: when(d.EnableDate), User: wireUser(u)})
			}
		}
	}
	devices, more, marker, err := iamPaged(s, r, all, in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	return &iam.ListVirtualMFADevicesOutput{VirtualMFADevices: append([]iamtypes.VirtualMFADevice{}, devices...), IsTruncated: more, Marker: marker}, nil
}

func (s *Server) listAccessKeys(r *request, in *iam.ListAccessKeysInput) (*iam.ListAccessKeysOutput, error) {
	u, err := r.user(in.UserName)
	if err != nil {
		return nil, err
	}
	keys, more, marker, err := iamPaged(s, r, u.AccessKeys, in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	out := &iam.ListAccessKeysOutput{AccessKeyMetadata: []iamtypes.AccessKeyMetadata{}, IsTruncated: more, Marker: marker}
	for _, k := range keys {
		out.AccessKeyMetadata = append(out.AccessKeyMetadata, iamtypes.AccessKeyMetadata{UserName: &u.UserName,
			AccessKeyId: aws.String(k.AccessKeyID), Status: iamtypes.StatusType(k.Status), CreateDate: when(k.CreateDate)})
	}
	return out, nil
}

func (r *request) accessKey(id *string) (*capture.User, *capture.AccessKey, error) {
	for i := range r.incident.IAM.Users {
		u := &r.incident.IAM.Users[i]
		for j := range u.AccessKeys {
			if u.AccessKeys[j].AccessKeyID == aws.ToString(id) {
				return u, &u.AccessKeys[j], nil
			}
		}
	}
	return nil, nil, noSuch("The Access Key with id %s cannot be found.", aws.ToString(id))
}

func (s *Server) getAccessKeyLastUsed(r *request, in *iam.GetAccessKeyLastUsedInput) (*iam.GetAccessKeyLastUsedOutput, error) {
	u, k, err := r.accessKey(in.AccessKeyId)
	if err != nil {
		return nil, err
	}
	used := &iamtypes.AccessKeyLastUsed{ServiceName: aws.String("N/A"), Region: aws.String("N/A")}
	if k.LastUsed != nil {
		used = &iamtypes.AccessKeyLastUsed{ServiceName: &k.LastUsed.ServiceName, Region: &k.LastUsed.Region, LastUsedDate: when(k.LastUsed.LastUsedDate)}
	}
	return &iam.GetAccessKeyLastUsedOutput{UserName: &u.UserName, AccessKeyLastUsed: used}, nil
}
