package iam

import (
	"cmp"
	"context"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"net/http"
	"slices"
	"time"

	"heliograph/internal/api/service"
	"heliograph/internal/iam"
	"heliograph/internal/identity/totp"
	"heliograph/internal/resources"
)

// maxWaiting is how many one-time password devices of an account may wait for a user.
const maxWaiting = iam.MaxUsers

func (s *Service) deviceOperations() []service.QueryOperation {
	onDevice := func(c *service.Caller, in *deviceInput) service.Act {
		return service.Act{Resources: []string{in.SerialNumber}}
	}
	return []service.QueryOperation{
		service.HandleQuery("CreateVirtualMFADevice", s.createDevice, func(c *service.Caller, in *createDeviceInput) service.Act {
			return service.Act{Resources: []string{s.serial(c.AccountID, in.Path, in.VirtualMFADeviceName)}}
		}),
		service.HandleQuery("DeleteVirtualMFADevice", s.deleteDevice, onDevice),
		service.HandleQuery("EnableMFADevice", s.enableDevice, on[deviceInput](s, user)),
		service.HandleQuery("ResyncMFADevice", s.resyncDevice, on[deviceInput](s, user)),
		service.HandleQuery("DeactivateMFADevice", s.deactivateDevice, on[deviceInput](s, user)),
		service.HandleQuery("GetMFADevice", s.getDevice, on[deviceInput](s, user)),
		service.HandleQuery("ListMFADevices", s.listDevices, on[pagedNames](s, user)),
		service.HandleQuery("ListVirtualMFADevices", s.listVirtual, nil),
	}
}

// serial is the ARN of a device, which is its serial number.
func (s *Service) serial(account, path, name string) string {
	if path == "" {
		path = "/"
	}
	return "arn:" + s.Partition + ":iam::" + account + ":mfa" + path + name
}

type deviceInput struct {
	names
	SerialNumber        string `query:",required,min=9,max=256"`
	AuthenticationCode1 string `query:",max=6"`
	AuthenticationCode2 string `query:",max=6"`
}

type createDeviceInput struct {
	Path                 string
	VirtualMFADeviceName string `query:",required,max=128"`
}

// deviceAnswer is the data type VirtualMFADevice.
type deviceAnswer struct {
	SerialNumber     string
	Base32StringSeed string `xml:",omitempty"` // of the base 32, base 64 as of every binary value
	User             *userAnswer
	EnableDate       *time.Time
}

type oneDevice struct{ VirtualMFADevice deviceAnswer }

// createDevice makes a device, whose secret is shown this once.
func (s *Service) createDevice(ctx context.Context, c *service.Caller, in *createDeviceInput) (*oneDevice, error) {
	if err := checkName("VirtualMFADeviceName", in.VirtualMFADeviceName, 128); err != nil {
		return nil, err
	}
	path, err := checkPath("Path", in.Path)
	if err != nil {
		return nil, err
	}
	serial, secret := s.serial(c.AccountID, path, in.VirtualMFADeviceName), totp.NewSecret()
	if len(serial) > 256 {
		return nil, service.Invalid("The path and name of the device are too long together.")
	}
	device := iam.MFA{Serial: serial, Secret: s.Sealer.Seal(nil, secret, []byte(iam.MFASecret(serial)))}
	err = s.change(ctx, c, func(tx *resources.Tx) error {
		switch {
		case tx.MFADevices.Get(serial) != nil || owner(tx.Users.All(), serial) != nil:
			return alreadyExists("MFADevice entity at the same path and name already exists.")
		case tx.MFADevices.Len() >= maxWaiting:
			return limitExceeded("VirtualMFADevicesPerAccount", maxWaiting)
		}
		tx.MFADevices.Put(serial, device)
		return nil
	})
	return &oneDevice{deviceAnswer{SerialNumber: serial, Base32StringSeed: base64.StdEncoding.EncodeToString([]byte(totp.Encode(secret)))}}, err
}

// owner is the user that has a device, nil where none has.
func owner(users []*resources.Item[iam.User], serial string) *resources.Item[iam.User] {
	for _, item := range users {
		if deviceAt(&item.Value, serial) >= 0 {
			return item
		}
	}
	return nil
}

func deviceAt(u *iam.User, serial string) int {
	return slices.IndexFunc(u.MFA, func(m iam.MFA) bool { return m.Serial == serial })
}

func noDevice(serial string) error {
	return noSuchEntity("VirtualMFADevice with serial number %s doesn't exist.", shorten(serial))
}

func (s *Service) deleteDevice(ctx context.Context, c *service.Caller, in *deviceInput) (*empty, error) {
	return nil, s.change(ctx, c, func(tx *resources.Tx) error {
		switch {
		case owner(tx.Users.All(), in.SerialNumber) != nil:
			return deleteConflict("MFA VirtualDevice in use. Must deactivate first.")
		case tx.MFADevices.Get(in.SerialNumber) == nil:
			return noDevice(in.SerialNumber)
		}
		tx.MFADevices.Delete(in.SerialNumber)
		return nil
	})
}

// consecutive is how many steps a device's clock may differ where two codes in a row
// prove it.
const consecutive = 10

// proven opens a device's secret and finds the step of the second of two codes in a
// row. A code that was taken before is none.
func (s *Service) proven(m *iam.MFA, in *deviceInput) (step int64, err error) {
	secret, err := s.Sealer.Open(nil, m.Secret, []byte(iam.MFASecret(m.Serial)))
	if err != nil {
		return 0, fmt.Errorf("open the secret of MFA device %s: %w", m.Serial, err)
	}
	now := totp.Step(s.Now())
	for at := now - consecutive; at <= now+consecutive; at++ {
		codes := totp.Code(secret, at) + totp.Code(secret, at+1)
		if at > m.Step && subtle.ConstantTimeCompare([]byte(codes), []byte(in.AuthenticationCode1+in.AuthenticationCode2)) == 1 {
			return at + 1, nil
		}
	}
	return 0, exception("InvalidAuthenticationCode", http.StatusForbidden, "Authentication code for device is not valid.")
}

func (s *Service) enableDevice(ctx context.Context, c *service.Caller, in *deviceInput) (*empty, error) {
	if _, err := in.require(user); err != nil {
		return nil, err
	}
	return nil, s.changeUser(ctx, c, &in.names, func(tx *resources.Tx, u *iam.User) error {
		item := tx.MFADevices.Get(in.SerialNumber)
		switch {
		case item == nil && owner(tx.Users.All(), in.SerialNumber) != nil:
			return alreadyExists("MFA Device is already in use.")
		case item == nil:
			return noDevice(in.SerialNumber)
		case len(u.MFA) >= iam.MaxMFADevices:
			return limitExceeded("MFADevicesPerUser", iam.MaxMFADevices)
		}
		m := item.Value
		step, err := s.proven(&m, in)
		if err != nil {
			return err
		}
		m.Enabled, m.Step = tx.Now.UTC(), step
		u.MFA = append(slices.Clone(u.MFA), m)
		tx.MFADevices.Delete(item.ID)
		return nil
	})
}

// device runs fn on a device that a user has.
func (s *Service) device(ctx context.Context, c *service.Caller, in *deviceInput, fn func(*resources.Tx, *iam.User, int) error) error {
	return s.changeUser(ctx, c, &in.names, func(tx *resources.Tx, u *iam.User) error {
		i := deviceAt(u, in.SerialNumber)
		if i < 0 {
			return noSuchEntity("MFA Device invalid for user.")
		}
		u.MFA = slices.Clone(u.MFA)
		return fn(tx, u, i)
	})
}

func (s *Service) resyncDevice(ctx context.Context, c *service.Caller, in *deviceInput) (*empty, error) {
	return nil, s.device(ctx, c, in, func(_ *resources.Tx, u *iam.User, i int) (err error) {
		u.MFA[i].Step, err = s.proven(&u.MFA[i], in)
		return err
	})
}

// deactivateDevice takes a device from its user, whose it can become again.
func (s *Service) deactivateDevice(ctx context.Context, c *service.Caller, in *deviceInput) (*empty, error) {
	return nil, s.device(ctx, c, in, func(tx *resources.Tx, u *iam.User, i int) error {
		m := u.MFA[i]
		m.Enabled = time.Time{}
		u.MFA = slices.Delete(u.MFA, i, i+1)
		tx.MFADevices.Put(m.Serial, m)
		return nil
	})
}

type getDeviceOutput struct {
	UserName     string `xml:",omitempty"`
	SerialNumber string
	EnableDate   *time.Time
}

// getDevice answers about a device of the user that the request names, or else of who
// asks, which is whom it was authorized for. Who is no user and names none has to be
// allowed all.
func (s *Service) getDevice(_ context.Context, c *service.Caller, in *deviceInput) (*getDeviceOutput, error) {
	item := owner(c.Account.Users.All(), in.SerialNumber)
	of := cmp.Or(in.UserName, callerName(c))
	if item == nil || of != "" && resources.IAMKey(of) != item.ID {
		return nil, noDevice(in.SerialNumber)
	}
	m := item.Value.MFA[deviceAt(&item.Value, in.SerialNumber)]
	return &getDeviceOutput{item.Value.Name, m.Serial, new(seconds(m.Enabled))}, nil
}

type userDevice struct {
	UserName     string
	SerialNumber string
	EnableDate   time.Time
}

type listDevicesOutput struct {
	MFADevices service.List[userDevice]
	paged
}

func (s *Service) listDevices(_ context.Context, c *service.Caller, in *pagedNames) (*listDevicesOutput, error) {
	name, root, err := userOrCaller(c, in.UserName)
	if err != nil {
		return nil, err
	}
	var all []userDevice
	if !root { // which has no device
		item := c.Account.Users.Get(resources.IAMKey(name))
		if item == nil {
			return nil, missing(user, name)
		}
		for _, m := range item.Value.MFA {
			all = append(all, userDevice{item.Value.Name, m.Serial, seconds(m.Enabled)})
		}
	}
	devices, more, err := page(all, func(d userDevice) string { return d.SerialNumber }, in.paging)
	return &listDevicesOutput{service.List[userDevice]{Member: devices}, more}, err
}

type listVirtualInput struct {
	AssignmentStatus string
	paging
}

type listVirtualOutput struct {
	VirtualMFADevices service.List[deviceAnswer]
	paged
}

func (s *Service) listVirtual(_ context.Context, c *service.Caller, in *listVirtualInput) (*listVirtualOutput, error) {
	if err := oneOf("AssignmentStatus", in.AssignmentStatus, "Assigned", "Unassigned", "Any"); err != nil {
		return nil, err
	}
	var all []deviceAnswer
	if in.AssignmentStatus != "Assigned" {
		for _, item := range c.Account.MFADevices.All() {
			all = append(all, deviceAnswer{SerialNumber: item.Value.Serial})
		}
	}
	if in.AssignmentStatus != "Unassigned" {
		for _, item := range c.Account.Users.All() {
			for _, m := range item.Value.MFA {
				all = append(all, deviceAnswer{SerialNumber: m.Serial, User: new(s.user(c.AccountID, item, false)), EnableDate: new(seconds(m.Enabled))})
			}
		}
	}
	devices, more, err := page(all, func(d deviceAnswer) string { return d.SerialNumber }, in.paging)
	return &listVirtualOutput{service.List[deviceAnswer]{Member: devices}, more}, err
}
