package events

import (
	"bytes"
	"encoding/json"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

// member is one type of the contract.
type member struct {
	new   func() any // a pointer to a zero value
	exact bool       // it goes out: the schema names every field and forbids others
	ours  bool       // its sample is all Headroom's own, so the type covers all of it
}

func in[T any]() member  { return member{new: func() any { return new(T) }, ours: true} }
func out[T any]() member { return member{new: func() any { return new(T) }, exact: true, ours: true} }
func aws[T any]() member { return member{new: func() any { return new(T) }} }

var members = map[string]member{
	"SignupRequested":          in[SignupRequested](),
	"ServeWaiting":             in[ServeWaiting](),
	"PoolCheck":                in[PoolCheck](),
	"ShelfCheck":               in[ShelfCheck](),
	"Step":                     in[Step](),
	"StackStatusChange":        aws[Envelope[StackStatusChange]](),
	"AlarmStateChange":         aws[Envelope[AlarmStateChange]](),
	"StorageReady":             out[StorageReady](),
	"StorageWaiting":           out[StorageWaiting](),
	"SignupRejected":           out[SignupRejected](),
	"HostInService":            out[HostInService](),
	"HostFailed":               out[HostFailed](),
	"HostCordoned":             out[HostCordoned](),
	"HostQuarantined":          out[HostQuarantined](),
	"HostOrdered":              out[HostOrdered](),
	"HostRequest":              in[HostRequest](),
	"HostLost":                 out[HostLost](),
	"HostRetired":              out[HostRetired](),
	"AlarmConfigurationChange": aws[Envelope[AlarmConfigurationChange]](),
	"Credentials":              out[Credentials](),
	"DecommissionRequested":    in[DecommissionRequested](),
	"UndoRequested":            in[UndoRequested](),
	"DepartureRequest":         in[DepartureRequest](),
	"TenantClosed":             out[TenantClosed](),
	"TenantReopened":           out[TenantReopened](),
	"TenantReleased":           out[TenantReleased](),
	"Certificate":              out[Certificate](),
	"RequestRejected":          out[RequestRejected](),
	"InstanceChangeRequested":  in[InstanceChangeRequested](),
	"AddressRelease":           in[AddressRelease](),
	"AccessChanged":            out[AccessChanged](),
	"ArchivistJob":             in[ArchivistJob](),
	"TaskReport":               in[TaskReport](),
	"FileUpload":               aws[Envelope[FileUpload]](),
	"InstanceEvent":            aws[Envelope[InstanceEvent]](),
	"HostAiling":               in[HostAiling](),
	"HostRound":                in[HostRound](),
	"PoolRound":                in[PoolRound](),
	"RepairRequest":            in[RepairRequest](),
	"HostRepairWaits":          out[HostRepairWaits](),
	"HostRepairAsks":           out[HostRepairAsks](),
	"HostRepaired":             out[HostRepaired](),
	"RestoreRequest":           in[RestoreRequest](),
	"RestoreUndo":              in[RestoreUndo](),
	"RestoreRound":             in[RestoreRound](),
	"ReconcileRound":           in[ReconcileRound](),
	"AuditCopyRound":           in[AuditCopyRound](),
	"MoveRequest":              in[MoveRequest](),
	"MoveOff":                  in[MoveOff](),
	"RecoverRequest":           in[RecoverRequest](),
	"SlotRequest":              in[SlotRequest](),
	"DoneByHand":               in[DoneByHand](),
	"AccessChanging":           out[AccessChanging](),
	"TenantRestored":           out[TenantRestored](),
	"TenantRestoreUndone":      out[TenantRestoreUndone](),
	"Notice":                   in[Notice](),
	"TaskStateChange":          aws[Envelope[TaskStateChange]](),
}

func TestEveryNameHasATypeASchemaAndASample(t *testing.T) {
	for _, name := range Names() {
		if _, ok := members[name]; !ok {
			t.Errorf("%s has a schema but no Go type", name)
		}
		if _, err := Sample(name); err != nil {
			t.Error(err)
		}
	}
	if got, want := len(Names()), len(members); got != want {
		t.Errorf("%d schemas for %d types", got, want)
	}
	if _, err := Schema("Nothing"); err == nil {
		t.Error("a schema that does not exist was found")
	}
}

func TestSampleSatisfiesItsSchema(t *testing.T) {
	forEach(t, func(t *testing.T, name string, _ member) {
		if err := compile(t, name).Validate(decodeAny(t, sample(t, name))); err != nil {
			t.Error(err)
		}
	})
}

func TestSampleSurvivesARoundTripThroughItsType(t *testing.T) {
	forEach(t, func(t *testing.T, name string, m member) {
		first := decodeInto(t, sample(t, name), m)
		encoded, err := json.Marshal(first)
		if err != nil {
			t.Fatal(err)
		}
		if m.ours {
			if diff := cmp.Diff(decodeAny(t, sample(t, name)), decodeAny(t, encoded)); diff != "" {
				t.Errorf("the sample changed (-before +after):\n%s", diff)
			}
		}
		if diff := cmp.Diff(first, decodeInto(t, encoded, m)); diff != "" {
			t.Errorf("the value changed (-before +after):\n%s", diff)
		}
		if err := compile(t, name).Validate(decodeAny(t, encoded)); err != nil {
			t.Errorf("the schema refuses what the type encodes to: %v", err)
		}
	})
}

func TestSampleFillsEveryField(t *testing.T) {
	// A field that the sample leaves out would be one whose name is unproven.
	forEach(t, func(t *testing.T, name string, m member) {
		value := decodeInto(t, sample(t, name), m)
		wantFilled(t, name, reflect.ValueOf(value).Elem())
	})
}

func wantFilled(t *testing.T, path string, value reflect.Value) {
	t.Helper()
	if value.Kind() == reflect.Pointer {
		value = value.Elem()
	}
	if !value.IsValid() || (value.IsZero() && path != "StackStatusChange.Detail.StatusDetails.Reason") {
		t.Errorf("%s is empty", path)
		return
	}
	if value.Kind() == reflect.Slice && value.Type().Elem().Kind() == reflect.Struct {
		wantFilled(t, path+"[0]", value.Index(0))
	}
	if value.Kind() == reflect.Struct && value.Type() != reflect.TypeFor[Time]() {
		for i := range value.NumField() {
			wantFilled(t, path+"."+value.Type().Field(i).Name, value.Field(i))
		}
	}
}

func TestEventsThatGoOutNameTheirDetailType(t *testing.T) {
	for name, m := range members {
		event, ok := reflect.ValueOf(m.new()).Elem().Interface().(Event)
		if want := m.exact && name != "Credentials" && name != "Certificate"; ok != want {
			t.Errorf("%s has a DetailType: %v, want %v", name, ok, want)
		}
		if ok && event.DetailType() != name {
			t.Errorf("the detail-type of %s is %q", name, event.DetailType())
		}
	}
}

func TestMessagesAreToldApart(t *testing.T) {
	bodies := map[string]string{
		`not JSON`:            TypeSignupRequested,
		`[1]`:                 TypeSignupRequested,
		`{"type": 5}`:         TypeSignupRequested,
		`{"type":"Whatever"}`: "Whatever",
	}
	for name, want := range map[string]string{
		"SignupRequested":          TypeSignupRequested,
		"ServeWaiting":             TypeServeWaiting,
		"PoolCheck":                TypePoolCheck,
		"ShelfCheck":               TypeShelfCheck,
		"Step":                     TypeStep,
		"StackStatusChange":        TypeStackStatusChange,
		"AlarmConfigurationChange": TypeAlarmConfigurationChange,
		"HostRequest":              TypeHostRequest,
		"InstanceChangeRequested":  TypeInstanceChangeRequested,
		"AlarmStateChange":         TypeAlarmStateChange,
		"FileUpload":               TypeFileUpload,
		"TaskStateChange":          TypeTaskStateChange,
		"HostAiling":               TypeHostAiling,
		"HostRound":                TypeHostRound,
		"PoolRound":                TypePoolRound,
		"RepairRequest":            TypeRepairRequest,
		"RestoreRequest":           TypeRestoreRequest,
		"RestoreUndo":              TypeRestoreUndo,
		"RestoreRound":             TypeRestoreRound,
		"ReconcileRound":           TypeReconcileRound,
		"AuditCopyRound":           TypeAuditCopyRound,
		"MoveRequest":              TypeMoveRequest,
		"MoveOff":                  TypeMoveOff,
		"RecoverRequest":           TypeRecoverRequest,
		"SlotRequest":              TypeSlotRequest,
		"DoneByHand":               TypeDoneByHand,
	} {
		bodies[string(sample(t, name))] = want
	}
	for body, want := range bodies {
		if got := TypeOf([]byte(body)); got != want {
			t.Errorf("TypeOf(%s) = %q, want %q", body, got, want)
		}
	}
}

func TestConstructorsFillInVersionAndType(t *testing.T) {
	var ready StorageReady
	if err := json.Unmarshal(sample(t, "StorageReady"), &ready); err != nil {
		t.Fatal(err)
	}
	step := NewTenantStep("acme", "announce", 1)
	const gateway, share = "arn:aws:storagegateway:eu-central-1:123456789012:gateway/sgw-12A3456B", "share-0A1B2C3D"
	step.Again = true
	step.Announce = &Announcement{Gateway: gateway, ShareID: share, Clients: []string{"10.0.3.7/32"}, Ready: ready}
	for name, message := range map[string]any{
		"ServeWaiting": NewServeWaiting("standard"),
		"PoolCheck":    NewPoolCheck("schedule"),
		"ShelfCheck":   NewShelfCheck("standard"),
		"Step":         step,

		"AddressRelease": NewAddressRelease("acme", []string{"10.40.1.8"}),
		"RestoreRound":   NewRestoreRound(),
		"ReconcileRound": NewReconcileRound(),
		"AuditCopyRound": NewAuditCopyRound(),
		"MoveOff":        NewMoveOff("acme-7f3a", "database-standard-3", At(time.Date(2026, 11, 2, 9, 30, 0, 0, time.UTC)), "10m0s", "arn:aws:iam::123456789012:user/ann: hosts of the old size go"),
		"HostRound":      NewHostRound("share-standard-3", 1),
		"PoolRound":      NewPoolRound("standard"),
		"HostAiling":     NewHostAiling("share-standard-3", "alarm headroom-dev-share-standard-3-status is on"),
	} {
		encoded, err := json.Marshal(message)
		if err != nil {
			t.Fatal(err)
		}
		encoded = Correlate(WithCorrelation(t.Context(), ready.CorrelationID), encoded) // as it is sent
		if diff := cmp.Diff(decodeAny(t, sample(t, name)), decodeAny(t, encoded)); diff != "" {
			t.Errorf("%s (-sample +constructed):\n%s", name, diff)
		}
	}
}

func TestAStepIsOfAHostOrOfATenant(t *testing.T) {
	encoded, err := json.Marshal(NewHostStep("share-standard-3", "activate", 4))
	if err != nil {
		t.Fatal(err)
	}
	if want := `{"version":"1","type":"Step","of":"host","id":"share-standard-3","step":"activate","try":4}`; string(encoded) != want {
		t.Errorf("the step of a host is %s, want %s", encoded, want)
	}
	if err := compile(t, "Step").Validate(decodeAny(t, encoded)); err != nil {
		t.Errorf("the step of a host: %v", err)
	}
	neither := []byte(`{"version":"1","type":"Step","id":"acme","step":"activate","try":4}`)
	if err := compile(t, "Step").Validate(decodeAny(t, neither)); err == nil {
		t.Error("a step of nothing has the schema's leave")
	}
}

// forEach runs a test on every type, in alphabetical order.
func forEach(t *testing.T, test func(*testing.T, string, member)) {
	for _, name := range Names() {
		t.Run(name, func(t *testing.T) { test(t, name, members[name]) })
	}
}

func sample(t *testing.T, name string) []byte {
	t.Helper()
	content, err := Sample(name)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

func schema(t *testing.T, name string) map[string]any {
	t.Helper()
	content, err := Schema(name)
	if err != nil {
		t.Fatal(err)
	}
	return decodeAny(t, content).(map[string]any)
}

func compile(t *testing.T, name string) *jsonschema.Schema {
	t.Helper()
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	if err := compiler.AddResource(name, schema(t, name)); err != nil {
		t.Fatal(err)
	}
	compiled, err := compiler.Compile(name)
	if err != nil {
		t.Fatal(err)
	}
	return compiled
}

func decodeAny(t *testing.T, content []byte) any {
	t.Helper()
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	return value
}

func decodeInto(t *testing.T, content []byte, m member) any {
	t.Helper()
	value := m.new()
	decoder := json.NewDecoder(bytes.NewReader(content))
	if m.ours {
		decoder.DisallowUnknownFields()
	}
	if err := decoder.Decode(value); err != nil {
		t.Fatal(err)
	}
	return value
}

func sorted(names []string) []string {
	slices.Sort(names)
	return names
}
