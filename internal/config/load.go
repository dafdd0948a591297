package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"

	"gopkg.in/yaml.v3"

	"heliograph/internal/inventory"
	"heliograph/internal/sms"
)

// DefaultFile is read where no file is named and there is one.
const DefaultFile = "heliograph.yaml"

// maxFile bounds the size of a configuration file in bytes.
const maxFile = 16 << 20

// Load reads the file at path, over it what the environment says, and fills in
// the defaults. An empty path is DefaultFile, which need not exist. env is
// os.LookupEnv outside of tests. The error names where the value comes from (file
// and line, or variable), the key and what is allowed.
func Load(path string, env func(string) (string, bool)) (Config, error) {
	data, err := read(path)
	if errors.Is(err, fs.ErrNotExist) && path == "" {
		return parse("", nil, env)
	}
	if err != nil {
		return Config{}, fmt.Errorf("configuration: %w", err)
	}
	if path == "" {
		path = DefaultFile
	}
	return parse(path, data, env)
}

func read(path string) ([]byte, error) {
	if path == "" {
		path = DefaultFile
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, err
	}
	if len(data) > maxFile {
		return nil, fmt.Errorf("%s is larger than %d bytes", path, maxFile)
	}
	return data, nil
}

// parse makes a configuration of a file's content.
func parse(file string, data []byte, env func(string) (string, bool)) (Config, error) {
	c := defaults()
	c.File = file
	d := &decoder{file: file, where: map[string]string{}}
	if err := d.document(data, &c); err != nil {
		return Config{}, err
	}
	if err := d.environ(&c, env); err != nil {
		return Config{}, err
	}
	d.complete(&c)
	if err := (&checker{where: d.where}).check(&c); err != nil {
		return Config{}, err
	}
	return c, nil
}

func (d *decoder) document(data []byte, c *Config) error {
	in := yaml.NewDecoder(bytes.NewReader(data))
	var document yaml.Node
	switch err := in.Decode(&document); {
	case errors.Is(err, io.EOF):
		return nil
	case err != nil:
		return fmt.Errorf("%s: %w", d.file, err)
	}
	if err := in.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return fmt.Errorf("%s: only one YAML document is allowed in the file", d.file)
	}
	return d.value("", document.Content[0], c)
}

// complete fills in the defaults that depend on other keys.
func (d *decoder) complete(c *Config) {
	if c.Node == "" {
		host, _ := os.Hostname()
		_, port, _ := net.SplitHostPort(c.API.Listen)
		c.Node = host + ":" + port
	}
	if d.where["simulated_inventory"] == "" {
		c.SimulatedInventory = len(c.Numbers) == 0
	}
	if d.where["aws.check_roles"] == "" {
		c.AWS.CheckRoles = c.AWS.EndpointURL == ""
	}
	if c.DefaultCarrier == "" {
		c.DefaultCarrier = inventory.SimulatorCarrier
		for _, k := range c.Carriers {
			if k.SMPP != nil {
				c.DefaultCarrier = k.Name
				break
			}
		}
	}
	simulator := true // and nothing else
	present := false
	for _, k := range c.Carriers {
		simulator = simulator && k.SMPP == nil
		present = present || k.Name == inventory.SimulatorCarrier
	}
	if !present {
		c.Carriers = append(c.Carriers, Carrier{Name: inventory.SimulatorCarrier, Sim: &Sim{}})
	}
	if simulator && d.where["shared_routes"] == "" {
		c.SharedRoutes = []SharedRoute{{Countries: []string{everyCountry}, Carrier: c.DefaultCarrier, SenderID: sharedSenderID, Number: sharedNumber}}
	}
	for i := range c.Numbers {
		c.Numbers[i].complete(c.DefaultCarrier)
	}
	for i := range c.SenderIDs {
		c.SenderIDs[i].Carrier = orDefault(c.SenderIDs[i].Carrier, c.DefaultCarrier)
	}
	for i := range c.SharedRoutes {
		c.SharedRoutes[i].Carrier = orDefault(c.SharedRoutes[i].Carrier, c.DefaultCarrier)
	}
}

func (n *Number) complete(carrier string) {
	n.Carrier = orDefault(n.Carrier, carrier)
	if n.Capabilities == nil {
		n.Capabilities = []sms.Capability{sms.CapabilitySMS}
	}
}

func orDefault(v, otherwise string) string {
	if v == "" {
		return otherwise
	}
	return v
}
