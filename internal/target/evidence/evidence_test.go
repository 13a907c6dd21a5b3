package evidence

import (
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/yaml"

	"github.com/aliascheck/aliascheck/api/v1alpha1"
	"github.com/aliascheck/aliascheck/internal/target/rules"
)

const (
	none     = v1alpha1.State("")
	passing  = v1alpha1.StatePassing
	warning  = v1alpha1.StateWarning
	critical = v1alpha1.StateCritical
	unknown  = v1alpha1.StateUnknown
)

// widget is an object of generation 3 of a kind without rules.
func widget(t *testing.T, fields string) *unstructured.Unstructured {
	t.Helper()
	u := &unstructured.Unstructured{}
	text := "apiVersion: x.example/v1\nkind: Widget\nmetadata: {name: w, generation: 3}\n" + strings.ReplaceAll(fields, "\t", " ")
	if err := yaml.Unmarshal([]byte(text), &u.Object); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return u
}

// statusOfWidget is a row's status, written without its braces.
func ofStatus(t *testing.T, status string) *unstructured.Unstructured {
	t.Helper()
	return widget(t, "status: {"+status+"}")
}

func TestTheTableOfEvidence(t *testing.T) {
	for _, c := range []struct {
		fact   string
		status string
		state  v1alpha1.State
		reason string
		by     string
	}{
		{"an empty status", ``, none, "NotYetReported", ""},
		{"a status of zero values", `phase: "", conditions: [], nested: {list: []}`, none, "NotYetReported", ""},
		{"only an observedGeneration", `observedGeneration: 3`, none, "NotYetReported", ""},
		{"the observedGeneration that Flux begins with", `observedGeneration: -1`, none, "NotYetReported", ""},
		{"conditions that wait for a controller",
			`conditions: [{type: Accepted, status: Unknown, reason: Pending}, {type: Programmed, status: Unknown, reason: Waiting}]`,
			none, "NotYetReported", ""},
		{"a condition that is Unknown for another reason", `conditions: [{type: Ready, status: Unknown, reason: Progressing}]`,
			unknown, "Progressing", "condition Ready"},

		{"Stalled", `conditions: [{type: Stalled, status: "True", reason: BadSpec}]`, critical, "BadSpec", "condition Stalled"},
		{"Stalled beside Ready", `conditions: [{type: Ready, status: "True"}, {type: Stalled, status: "True", reason: Limit}]`,
			critical, "Limit", "condition Stalled"},
		{"a failure that is False", `conditions: [{type: Ready, status: "True", reason: Up}, {type: Failed, status: "False"}]`,
			passing, "Up", "condition Ready"},
		{"a type that ends with Failed", `conditions: [{type: SyncFailed, status: "True"}]`, critical, "SyncFailed", "condition SyncFailed"},
		{"a type that ends with Error", `conditions: [{type: SpecError, status: "True"}]`, critical, "SpecError", "condition SpecError"},
		{"a type that begins with Invalid", `conditions: [{type: InvalidSpec, status: "True"}]`, critical, "InvalidSpec", "condition InvalidSpec"},
		{"a conflict, in a domain", `conditions: [{type: cilium.io/PoolConflict, status: "True", reason: resolved}]`,
			critical, "resolved", "condition cilium.io/PoolConflict"},
		{"a type that says that there is no conflict", `conditions: [{type: NoConflicts, status: "True"}]`, none, "NoVerdict", ""},
		{"NotReady", `conditions: [{type: NotReady, status: "True", reason: TimeoutException}]`, critical, "TimeoutException", "condition NotReady"},
		{"Degraded beside Available", `conditions: [{type: Available, status: "True"}, {type: Degraded, status: "True", reason: OneDown}]`,
			warning, "OneDown", "condition Degraded"},
		{"Degraded alone", `conditions: [{type: Degraded, status: "True", reason: OneDown}]`, critical, "OneDown", "condition Degraded"},
		{"Degraded beside Available that is False",
			`conditions: [{type: Available, status: "False"}, {type: Degraded, status: "True", reason: AllDown}]`,
			critical, "AllDown", "condition Degraded"},
		{"failed to fetch, and serves what it has", `conditions: [{type: FetchFailed, status: "True"}, {type: Ready, status: "True"}]`,
			warning, "FetchFailed", "condition FetchFailed"},
		{"a pressure", `conditions: [{type: DiskPressure, status: "True"}, {type: Ready, status: "True"}]`, warning, "DiskPressure", "condition DiskPressure"},

		{"a type that ends with Failure", `conditions: [{type: RestoreFailure, status: "True"}]`,
			critical, "RestoreFailure", "condition RestoreFailure"},
		{"a type that says that there is no failure", `conditions: [{type: NoFailure, status: "True"}]`, none, "NoVerdict", ""},
		{"a release that cannot be reconciled", `conditions: [{type: Deployed, status: "True"}, {type: Irreconcilable, status: "True"}]`,
			critical, "Irreconcilable", "condition Irreconcilable"},
		{"something is missing, and it is ready", `conditions: [{type: SecretMissing, status: "True"}, {type: Ready, status: "True"}]`,
			warning, "SecretMissing", "condition SecretMissing"},
		{"something is missing, and nothing says that it serves", `conditions: [{type: SecretMissing, status: "True"}, {type: Active, status: "True"}]`,
			critical, "SecretMissing", "condition SecretMissing"},
		{"an operation in the cloud that failed, beside Ready", `conditions: [{type: Ready, status: "True"},
			{type: LastAsyncOperation, status: "False", reason: AsyncUpdateFailure}]`,
			critical, "AsyncUpdateFailure", "condition LastAsyncOperation"},

		{"nobody is to reconcile it", `conditions: [{type: Ready, status: "True"}, {type: Synced, status: "False", reason: ReconcilePaused}]`,
			unknown, "Suspended", "condition Synced"},
		{"Paused", `conditions: [{type: Paused, status: "True", reason: ByHand}, {type: Ready, status: "True"}]`,
			unknown, "Suspended", "condition Paused"},
		{"Suspended in a prefix", `conditions: [{type: RayClusterSuspended, status: "True"}]`, unknown, "Suspended", "condition RayClusterSuspended"},
		{"Ready is False because it is paused", `conditions: [{type: Synced, status: "False", reason: ReconcilePaused}]`,
			unknown, "Suspended", "condition Synced"},

		{"Ready", `conditions: [{type: Ready, status: "True", reason: Issued}]`, passing, "Issued", "condition Ready"},
		{"Ready, without a reason", `conditions: [{type: Ready, status: "True"}]`, passing, "Ready", "condition Ready"},
		{"Ready, with a reason that will not do", `conditions: [{type: Ready, status: "True", reason: "o k!"}]`, passing, "Ready", "condition Ready"},
		{"WidgetReady", `conditions: [{type: WidgetReady, status: "True", reason: Up}]`, passing, "Up", "condition WidgetReady"},
		{"parts that are all well", `conditions: [{type: APIServerAvailable, status: "True", reason: Up}, {type: EveryNodeReady, status: "True"},
			{type: NodeFailed, status: "False"}]`, passing, "Up", "condition APIServerAvailable"},
		{"parts of which one is not", `conditions: [{type: APIServerAvailable, status: "True"}, {type: EveryNodeReady, status: "False", reason: Two}]`,
			critical, "Two", "condition EveryNodeReady"},
		{"parts of which one is unknown", `conditions: [{type: APIServerAvailable, status: "True"}, {type: EveryNodeReady, status: Unknown, reason: Two}]`,
			unknown, "Two", "condition EveryNodeReady"},
		{"parts that are well beside what may mean anything",
			`conditions: [{type: APIServerAvailable, status: "True"}, {type: Fizzed, status: "False"}]`, none, "NoVerdict", ""},
		{"parts that are well, and a word that nobody knows",
			`phase: Building Kit, conditions: [{type: PlatformAvailable, status: "True"}]`, none, "NoVerdict", ""},
		{"parts that are well, and it runs",
			`phase: Running, conditions: [{type: PlatformAvailable, status: "True", reason: Up}]`, passing, "Up", "condition PlatformAvailable"},
		{"a summary, and a word that nobody knows", `phase: Building Kit, conditions: [{type: Ready, status: "True", reason: Up}]`,
			passing, "Up", "condition Ready"},
		{"available, and the version of something in it progresses", `conditions: [{type: Available, status: "True"},
			{type: ClusterVersionProgressing, status: "True", reason: Half}]`, warning, "Half", "condition ClusterVersionProgressing"},
		{"ready, and it updates its version", `conditions: [{type: Ready, status: "True"},
			{type: UpdatingVersion, status: "True", reason: Half}]`, warning, "Half", "condition UpdatingVersion"},
		{"available, and something in it fails now and then", `conditions: [{type: Available, status: "True"},
			{type: ClusterVersionFailing, status: "True", reason: Half}]`, warning, "Half", "condition ClusterVersionFailing"},
		{"Ready before Available", `conditions: [{type: Available, status: "True"}, {type: Ready, status: "False", reason: Down}]`,
			critical, "Down", "condition Ready"},
		{"Succeeded", `conditions: [{type: Succeeded, status: "False", reason: TaskRunTimeout}]`, critical, "TaskRunTimeout", "condition Succeeded"},
		{"Applied", `conditions: [{type: Applied, status: "True"}]`, passing, "Applied", "condition Applied"},
		{"a type that is in no list", `conditions: [{type: Fizzed, status: "False"}]`, none, "NoVerdict", ""},
		{"a stage alone", `conditions: [{type: Initialized, status: "True"}]`, none, "NoVerdict", ""},

		{"Ready in other letters", `conditions: [{type: ready, status: "True", reason: Up}]`, passing, "Up", "condition ready"},
		{"Deployed, without a summary", `conditions: [{type: Initialized, status: "True"}, {type: Deployed, status: "True", reason: InstallSuccessful}]`,
			passing, "InstallSuccessful", "condition Deployed"},
		{"not Deployed", `conditions: [{type: Deployed, status: "False", reason: NoImage}]`, critical, "NoImage", "condition Deployed"},
		{"Active", `conditions: [{type: Active, status: "True", reason: Up}]`, passing, "Up", "condition Active"},
		{"idle", `conditions: [{type: Active, status: "False", reason: Idle}]`, none, "NoVerdict", ""},
		{"Completed", `conditions: [{type: Completed, status: "True"}]`, passing, "Completed", "condition Completed"},
		{"not Completed", `conditions: [{type: Completed, status: "False"}]`, none, "NoVerdict", ""},
		{"an Ansible operator at rest", `conditions: [{type: Running, status: "True", reason: Successful}, {type: Successful, status: "True", reason: Successful},
			{type: Failure, status: "False"}]`, passing, "Successful", "condition Successful"},
		{"not Successful", `conditions: [{type: Successful, status: "False"}, {type: Running, status: "True"}]`, none, "NoVerdict", ""},
		{"a part beside what says nothing of health", `conditions: [{type: PodsReady, status: "True", reason: Up}, {type: Upgradeable, status: "False"}]`,
			passing, "Up", "condition PodsReady"},
		{"a part beside a stage that is still to come", `conditions: [{type: PodsReady, status: "True"}, {type: Initialized, status: "False"}]`,
			none, "NoVerdict", ""},
		{"ACK writes its last change", `conditions: [{type: ACK.ResourceSynced, status: "False"}]`, unknown, "InProgress", "condition ACK.ResourceSynced"},

		{"Ready is False", `conditions: [{type: Ready, status: "False", reason: BuildFailed}]`, critical, "BuildFailed", "condition Ready"},
		{"Ready is False, and a part of it is being created", `conditions: [{type: Ready, status: "False", reason: NotProvisioned},
			{type: Succeeded, status: "False", reason: CreateInProgress}]`, unknown, "InProgress", "condition Ready"},
		{"Ready is False for a reason of its own, while a part of it is being created", `conditions: [{type: Ready, status: "False", reason: QuotaUsedUp},
			{type: PodsReady, status: "False", reason: Creating}]`, critical, "QuotaUsedUp", "condition Ready"},
		{"Ready waits for a creation that fails", `conditions: [{type: Ready, status: "False", reason: Creating},
			{type: Synced, status: "False", reason: ReconcileError}]`, critical, "ReconcileError", "condition Synced"},
		{"Ready is False while a controller tries again what failed at first", `conditions: [{type: Ready, status: "False", reason: Creating},
			{type: Synced, status: "False", reason: ReconcileError}, {type: Reconciling, status: "True", reason: Progressing}]`,
			unknown, "InProgress", "condition Ready"},
		{"Ready, and nobody watches it any longer", `conditions: [{type: Ready, status: "True"},
			{type: Responsive, status: "False", reason: WatchCircuitOpen}]`, warning, "WatchCircuitOpen", "condition Responsive"},
		{"Ready, and what it refers to is not found", `conditions: [{type: Ready, status: "True"},
			{type: ACK.ReferencesResolved, status: "False", reason: NoBucket}]`, warning, "NoBucket", "condition ACK.ReferencesResolved"},
		{"available, and the next version is blocked", `conditions: [{type: Available, status: "True"},
			{type: RolloutBlocked, status: "True", reason: NoRoom}]`, warning, "NoRoom", "condition RolloutBlocked"},
		{"a type that begins with Failed", `conditions: [{type: FailedSync, status: "True", reason: NoToken}]`, critical, "NoToken", "condition FailedSync"},
		{"a type that ends with Reconciled", `conditions: [{type: SuccessfullyReconciled, status: "True", reason: Up}]`,
			passing, "Up", "condition SuccessfullyReconciled"},
		{"a type that ends with Successful", `conditions: [{type: ReconcileSuccessful, status: "False", reason: NoRole}]`,
			critical, "NoRole", "condition ReconcileSuccessful"},
		{"Ready is False while ACK writes its last change", `conditions: [{type: Ready, status: "False"},
			{type: ACK.ResourceSynced, status: "False"}]`, unknown, "InProgress", "condition Ready"},
		{"Available is False at the beginning", `conditions: [{type: Available, status: "False", reason: Init}]`,
			unknown, "InProgress", "condition Available"},
		{"Ready is False while it builds", `conditions: [{type: Ready, status: "False", reason: ImageBuilding}]`, unknown, "InProgress", "condition Ready"},
		{"Ready is False because something is missing", `conditions: [{type: Ready, status: "False", reason: SecretMissing}]`,
			critical, "SecretMissing", "condition Ready"},
		{"Ready is False, severity Info", `conditions: [{type: Ready, status: "False", reason: Deleted, severity: Info}]`,
			unknown, "InProgress", "condition Ready"},
		{"Ready is False, and it reconciles",
			`conditions: [{type: Ready, status: "False", reason: Odd}, {type: Reconciling, status: "True", reason: Progressing}]`,
			unknown, "InProgress", "condition Ready"},
		{"Ready is False, and it tries again", `conditions: [{type: Ready, status: "False", reason: BuildFailed},
			{type: Reconciling, status: "True", reason: ProgressingWithRetry}]`, critical, "BuildFailed", "condition Ready"},
		{"Ready is False as yet", `conditions: [{type: Ready, status: "False", reason: Creating}]`, unknown, "InProgress", "condition Ready"},
		{"Ready is False and waits", `conditions: [{type: Ready, status: "False", reason: WaitingForQuota}]`, unknown, "InProgress", "condition Ready"},
		{"Ready is False until a dependency is there", `conditions: [{type: Ready, status: "False", reason: DependencyNotFound}]`,
			unknown, "InProgress", "condition Ready"},
		{"Ready is False for a dependency", `conditions: [{type: Ready, status: "False", reason: DependencyNotReady}]`,
			unknown, "InProgress", "condition Ready"},
		{"Ready is False because creating failed", `conditions: [{type: Ready, status: "False", reason: ErrorCreating}]`,
			critical, "ErrorCreating", "condition Ready"},
		{"Ready is a fourth value", `conditions: [{type: Ready, status: Degraded, reason: Half}]`, unknown, "Half", "condition Ready"},
		{"Ready has no status", `conditions: [{type: Ready, reason: Half}]`, unknown, "Half", "condition Ready"},
		{"Ready is a boolean", `conditions: [{type: Ready, status: true, reason: Up}]`, passing, "Up", "condition Ready"},
		{"Ready is a false boolean", `conditions: [{type: Ready, status: false, reason: Down}]`, critical, "Down", "condition Ready"},

		{"Ready, and another type is not", `conditions: [{type: Ready, status: "True"}, {type: Synced, status: "False", reason: ReconcileError}]`,
			warning, "ReconcileError", "condition Synced"},
		{"Ready, and a part is not", `conditions: [{type: Ready, status: "True"}, {type: WorkersAvailable, status: "False", reason: Few}]`,
			warning, "Few", "condition WorkersAvailable"},
		{"Ready, and a part is not, severity Info",
			`conditions: [{type: Ready, status: "True", reason: Up}, {type: IngressReady, status: "False", severity: Info}]`,
			passing, "Up", "condition Ready"},
		{"Ready, and idle", `conditions: [{type: Ready, status: "True", reason: Up}, {type: Active, status: "False"}]`, passing, "Up", "condition Ready"},
		{"Ready, and a type that says nothing of health is False for a failure", `conditions: [{type: Ready, status: "True", reason: Up},
			{type: RetrievedUpdates, status: "False", reason: RemoteFailed}]`, passing, "Up", "condition Ready"},
		{"Ready, and may not be updated", `conditions: [{type: Ready, status: "True", reason: Up},
			{type: UpToDate, status: "False", reason: UpdateRestricted}]`, passing, "Up", "condition Ready"},
		{"Ready, and issuing again", `conditions: [{type: Ready, status: "True"}, {type: Issuing, status: "True", reason: Renewing}]`,
			warning, "Renewing", "condition Issuing"},
		{"Ready, and reconciling", `conditions: [{type: Ready, status: "True"}, {type: Reconciling, status: "True", reason: New}]`,
			warning, "New", "condition Reconciling"},
		{"Available, and progressing", `conditions: [{type: Available, status: "True"}, {type: Progressing, status: "True", reason: Rolling}]`,
			warning, "Rolling", "condition Progressing"},
		{"Available, and at the end of its progress", `conditions: [{type: Available, status: "True", reason: Up},
			{type: Progressing, status: "True", reason: NewReplicaSetAvailable}]`, passing, "Up", "condition Available"},
		{"Ready, and a word says that it failed", `phase: Failed, conditions: [{type: Ready, status: "True"}]`, critical, "Failed", "status.phase"},
		{"Ready, and a word says not yet", `phase: Upgrading, conditions: [{type: Ready, status: "True"}]`, warning, "InProgress", "status.phase"},
		{"applied, and a word says not yet", `phase: Pending, conditions: [{type: Applied, status: "True"}]`, unknown, "InProgress", "status.phase"},
		{"Ready, and some replicas are", `replicas: 3, readyReplicas: 1, conditions: [{type: Ready, status: "True"}]`,
			warning, "SomeReplicasReady", "status.readyReplicas"},

		{"Available, and its progress has ended badly", `conditions: [{type: Available, status: "True"},
			{type: Progressing, status: "False", reason: ProgressDeadlineExceeded}]`, critical, "ProgressDeadlineExceeded", "condition Progressing"},
		{"Complete, and failed", `conditions: [{type: Complete, status: "True", reason: JobFailed}]`, critical, "JobFailed", "condition Complete"},
		{"Ready, and another type is False for a failure",
			`conditions: [{type: Ready, status: "True"}, {type: Fizzed, status: "False", reason: FizzFailed}]`, warning, "FizzFailed", "condition Fizzed"},
		{"Ready, and a listener is not", `listeners: [{conditions: [{type: Programmed, status: "True"}]},
			{conditions: [{type: ResolvedRefs, status: "False", reason: NoCertificate}, {type: Programmed, status: "True"}]}],
			conditions: [{type: Ready, status: "True"}]`, warning, "NoCertificate", "status.listeners: condition ResolvedRefs"},

		{"all parents", `parents: [{conditions: [{type: Accepted, status: "True", reason: Fine}]}]`, passing, "Fine", "status.parents: condition Accepted"},
		{"one parent of two", `parents: [{conditions: [{type: Accepted, status: "True"}]}, {conditions: [{type: Accepted, status: "False", reason: Refused}]}]`,
			warning, "Refused", "status.parents: condition Accepted"},
		{"no parent", `parents: [{conditions: [{type: Accepted, status: "False", reason: Refused}]}]`, critical, "Refused", "status.parents: condition Accepted"},
		{"a router that admits it", `ingress: [{conditions: [{type: Admitted, status: "True", reason: Fine}]}]`,
			passing, "Fine", "status.ingress: condition Admitted"},
		{"a parent that waits", `parents: [{conditions: [{type: Accepted, status: Unknown, reason: Pending}]}]`,
			unknown, "Pending", "status.parents: condition Accepted"},
		{"an ancestor for which nothing resolves", `ancestors: [{conditions: [{type: Accepted, status: "True"},
			{type: ResolvedRefs, status: "False", reason: BackendNotFound}]}]`, critical, "BackendNotFound", "status.ancestors: condition ResolvedRefs"},
		{"a parent of an older generation", `parents: [{conditions: [{type: Accepted, status: "True", observedGeneration: 2}]}]`,
			warning, "InProgress", "status.parents: condition Accepted"},
		{"parents that are not objects", `parents: [7, {conditions: none}]`, none, "NoVerdict", ""},

		{"several of one type: the last by time", `conditions: [
			{type: Ready, status: "True", reason: New, lastTransitionTime: "2026-01-02T00:00:00Z"},
			{type: Ready, status: "False", reason: Old, lastTransitionTime: "2026-01-01T00:00:00Z"}]`, passing, "New", "condition Ready"},
		{"several of one type: the last by place", `conditions: [
			{type: Ready, status: "True", reason: First}, {type: Ready, status: "False", reason: Last}]`, critical, "Last", "condition Ready"},
		{"conditions of odd shapes", `conditions: [7, null, "Ready", [], {status: "True"}, {type: 3}, {type: Ready, status: "True", reason: Up}]`,
			passing, "Up", "condition Ready"},
		{"conditions that are no list", `phase: Active, conditions: {type: Ready, status: "False"}`, passing, "Active", "status.phase"},

		{"an older generation", `observedGeneration: 2, conditions: [{type: Ready, status: "True"}]`, warning, "InProgress", "condition Ready"},
		{"an older generation in digits", `observedGeneration: "2", conditions: [{type: Ready, status: "True"}]`,
			warning, "InProgress", "condition Ready"},
		{"a generation that is no number", `observedGeneration: 5f2c, conditions: [{type: Ready, status: "True", reason: Up}]`,
			passing, "Up", "condition Ready"},
		{"a generation larger than that of the object", `observedGeneration: "774399", conditions: [{type: Ready, status: "True", reason: Up}]`,
			passing, "Up", "condition Ready"},
		{"a condition of this generation in a status of an older",
			`observedGeneration: 1, conditions: [{type: Ready, status: "True", reason: Up, observedGeneration: 3}]`, passing, "Up", "condition Ready"},
		{"a condition of an older generation in a status of this",
			`observedGeneration: 3, conditions: [{type: Ready, status: "True", observedGeneration: 2}]`, warning, "InProgress", "condition Ready"},
		{"an older generation than that which its controller wants", `observedGeneration: 1, desiredGeneration: 2,
			conditions: [{type: Ready, status: "True"}]`, warning, "InProgress", "condition Ready"},
		{"the generation that its controller wants", `observedGeneration: 2, desiredGeneration: 2,
			conditions: [{type: Ready, status: "True", reason: Up}]`, passing, "Up", "condition Ready"},
		{"an older generation by another name", `lastGeneration: 2, conditions: [{type: Ready, status: "True"}]`,
			warning, "InProgress", "condition Ready"},
		{"what fails is of an older generation", `observedGeneration: 2, conditions: [{type: Ready, status: "False", reason: Down}]`,
			critical, "Down", "condition Ready"},
		{"a word of an older generation", `observedGeneration: 2, phase: Active`, warning, "InProgress", "status.phase"},
		{"replicas of an older generation", `observedGeneration: 2, replicas: 1, readyReplicas: 1`, warning, "InProgress", "status.readyReplicas"},

		{"a good word", `phase: Bound`, passing, "Bound", "status.phase"},
		{"a good word in capitals", `state: READY`, passing, "READY", "status.state"},
		{"a good word, deeper", `health: {status: Healthy}`, passing, "Healthy", "status.health"},
		{"a bad word", `phase: Failed, reason: OutOfDisk`, critical, "OutOfDisk", "status.phase"},
		{"a bad word that ends so", `state: UpdateFailed`, critical, "UpdateFailed", "status.state"},
		{"a bad word beside a good one", `phase: Active, health: degraded`, critical, "degraded", "status.health"},
		{"a word that means not yet", `phase: Provisioning`, unknown, "InProgress", "status.phase"},
		{"not yet beside a good one", `health: green, phase: Migrating`, unknown, "InProgress", "status.phase"},
		{"stopped on purpose", `state: Stopped`, unknown, "Suspended", "status.state"},
		{"a word of caution", `health: yellow`, warning, "yellow", "status.health"},
		{"a good word in a field of the kind", `widgetStatus: Active`, passing, "Active", "status.widgetStatus"},
		{"a good word in a field of something else", `gadgetStatus: Active`, none, "NoVerdict", ""},
		{"a bad word in a field of something else", `gadgetStatus: Failed, phase: Active`, critical, "Failed", "status.gadgetStatus"},
		{"a bad word of the past", `lastBackupState: Failed, phase: Active`, passing, "Active", "status.phase"},
		{"not yet in a field of the last operation", `lastOperationState: Progressing, phase: Active`,
			unknown, "InProgress", "status.lastOperationState"},
		{"running alone", `phase: Running`, none, "NoVerdict", ""},
		{"a word that nobody knows", `phase: Fizzing about`, none, "NoVerdict", ""},
		{"ready is true", `ready: true`, passing, "Passing", "status.ready"},
		{"ready is false", `ready: false`, critical, "Critical", "status.ready"},
		{"ready is false, and a word says not yet", `ready: false, phase: Pending`, unknown, "InProgress", "status.phase"},
		{"ready is true, and a word says that it failed", `ready: true, phase: Failed`, critical, "Failed", "status.phase"},
		{"valid is no boolean", `valid: "yes"`, none, "NoVerdict", ""},
		{"an error", `error: "no such bucket"`, critical, "Error", "status.error"},
		{"an error with its reason", `failureReason: NoSuchBucket`, critical, "NoSuchBucket", "status.failureReason"},
		{"the word for no error", `error: None, phase: Active`, passing, "Active", "status.phase"},
		{"the word for no error alone", `error: None`, none, "NoVerdict", ""},
		{"a good word of its life", `lifecycleState: AVAILABLE`, passing, "AVAILABLE", "status.lifecycleState"},
		{"succeeded is true", `succeeded: true`, passing, "Passing", "status.succeeded"},
		{"an error beside a good word", `phase: Active, error: "the last backup"`, warning, "Active", "status.phase"},

		{"all replicas", `replicas: 3, readyReplicas: 3`, passing, "AllReplicasReady", "status.readyReplicas"},
		{"some replicas", `replicas: 3, availableReplicas: 2`, warning, "SomeReplicasReady", "status.availableReplicas"},
		{"no replica of some", `replicas: 3, readyReplicas: 0`, critical, "NoReplicaReady", "status.readyReplicas"},
		{"no replica of none", `replicas: 0, readyReplicas: 0`, none, "NoVerdict", ""},
		{"replicas alone", `replicas: 3`, none, "NoVerdict", ""},
		{"nothing that is known", `endpoint: https://w.example`, none, "NoVerdict", ""},
	} {
		t.Run(c.fact, func(t *testing.T) {
			f := Of(ofStatus(t, c.status), nil)
			if f.State != c.state || f.Reason != c.reason || f.By != c.by || f.Message == "" {
				t.Errorf("got %q %s %q by %q, want %q %s by %q", f.State, f.Reason, f.Message, f.By, c.state, c.reason, c.by)
			}
		})
	}
}

func TestAnObjectThatIsDeletedOrTurnedOff(t *testing.T) {
	ready := "\nstatus: {conditions: [{type: Ready, status: 'True'}]}"
	for _, c := range []struct {
		fact, fields string
		state        v1alpha1.State
		reason       string
	}{
		{"no status", "", none, "NotYetReported"},
		{"a status that is no map", "status: none", none, "NotYetReported"},
		{"being deleted", "metadata: {deletionTimestamp: '2026-01-02T12:00:00Z'}" + ready, critical, "Terminating"},
		{"spec.suspend", "spec: {suspend: true}" + ready, unknown, "Suspended"},
		{"spec.paused", "spec: {paused: true}" + ready, unknown, "Suspended"},
		{"spec.suspend is false", "spec: {suspend: false}" + ready, passing, "Ready"},
		{"turned off, and stalled", "spec: {suspend: true}\nstatus: {conditions: [{type: Stalled, status: 'True'}]}", critical, "Stalled"},
		{"replicas that are still to come", "spec: {replicas: 3}\nstatus: {replicas: 1, readyReplicas: 1}", warning, "SomeReplicasReady"},
	} {
		t.Run(c.fact, func(t *testing.T) {
			if f := Of(widget(t, c.fields), nil); f.State != c.state || f.Reason != c.reason {
				t.Errorf("got %q %s %q, want %q %s", f.State, f.Reason, f.Message, c.state, c.reason)
			}
		})
	}
}

func TestTheRulesOfAKindDecideAlone(t *testing.T) {
	set, err := rules.Compile([]v1alpha1.Rule{
		{State: critical, When: "object.status.health == 'red'", Reason: "ClusterRed", Message: "'health is ' + object.status.health"},
		{State: warning, When: "object.status.health == 'yellow'"},
		{State: critical, When: "object.status.conditions.exists(c, c.type == 'Sick' && c.status == 'True')"},
		{State: passing, When: "object.status.conditions.exists(c, c.type in ['Fine', 'Well'] && c.status == 'True')"},
		{State: passing, When: "object.?spec.static.orValue(false)", Reason: "Static"},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		fact, fields         string
		state                v1alpha1.State
		reason, message, by_ string
	}{
		{"the first that holds", "status: {health: red}", critical, "ClusterRed", "health is red", "rules[0]"},
		{"the state is the reason of a rule without one", "status: {health: yellow}", warning, "Warning",
			"Widget w is Warning by its health rules", "rules[1]"},
		{"the condition that it asks for speaks", "status: {conditions: [{type: Fine, status: 'True', reason: AsEver, message: all is well}]}",
			passing, "AsEver", "all is well", "rules[3]"},
		{"the condition with the status that it asks for speaks", "status: {conditions: [{type: Fine, status: 'False', reason: No}," +
			"{type: Well, status: 'True', reason: AsEver, message: all is well}]}", passing, "AsEver", "all is well", "rules[3]"},
		{"no rule holds, though a condition says Ready", "status: {conditions: [{type: Ready, status: 'True'}]}", none, "NoVerdict",
			"none of its health rules holds, and of these some cannot be evaluated (rules[0]: no such key: health; rules[1]: no such key: health)", ""},
		{"no rule holds", "status: {health: blue, conditions: []}", none, "NoVerdict",
			"none of its health rules holds: give it a HealthRule, or spec.targetRef.health", ""},
		{"being deleted", "metadata: {deletionTimestamp: '2026-01-02T12:00:00Z'}\nstatus: {health: yellow}", critical, "Terminating",
			"it is being deleted", "metadata.deletionTimestamp"},
		{"Passing of an older generation", "status: {observedGeneration: 2, conditions: [{type: Fine, status: 'True'}]}", warning, "InProgress",
			"its status is for an older generation; waiting for generation 3", "rules[3]"},
		{"a rule that reads no status", "spec: {static: true}\nstatus: {observedGeneration: 2}", passing, "Static",
			"Widget w is Passing by its health rules", "rules[4]"},
		{"Critical of an older generation", "status: {observedGeneration: 2, health: red}", critical, "ClusterRed", "health is red", "rules[0]"},
		{"Passing of an older generation, and Ready of this one", "status: {observedGeneration: 2, conditions: [{type: Fine, status: 'True', reason: Up," +
			" message: up}, {type: Ready, status: 'True', observedGeneration: 3}]}", warning, "InProgress",
			"its status is for an older generation; waiting for generation 3", "rules[3]"},
	} {
		t.Run(c.fact, func(t *testing.T) {
			f := Of(widget(t, c.fields), set)
			if f.State != c.state || f.Reason != c.reason || f.Message != c.message || f.By != c.by_ {
				t.Errorf("got %q %s %q by %q, want %q %s %q by %q", f.State, f.Reason, f.Message, f.By, c.state, c.reason, c.message, c.by_)
			}
		})
	}
}

func TestAFindingHasTheTimeOfTheConditionThatDecided(t *testing.T) {
	f := Of(ofStatus(t, `conditions: [{type: Ready, status: "True", lastTransitionTime: "2026-01-02T12:00:00Z"}]`), nil)
	if f.Since.IsZero() {
		t.Errorf("%+v does not say since when", f)
	}
}
