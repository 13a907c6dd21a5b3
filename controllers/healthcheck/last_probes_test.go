package healthcheck

import (
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"k8s.io/apimachinery/pkg/types"

	"github.com/aliascheck/aliascheck/internal/ledger"
)

func TestTheLastProbeIsToldForAsLongAsItsCheckIsThere(t *testing.T) {
	r := &Reconciler{ledgers: newLedgers(&ledger.Options{})}
	web, gone := types.NamespacedName{Namespace: "shop", Name: "web"}, types.NamespacedName{Namespace: "shop", Name: "gone"}
	for _, key := range []types.NamespacedName{web, gone} {
		r.ledgers.entry(key).probed(time.Unix(1_800_000_000, int64(250*time.Millisecond)))
	}
	r.ledgers.forget(gone)
	r.ledgers.entry(types.NamespacedName{Namespace: "shop", Name: "not-probed-yet"})
	expected := `
# HELP aliascheck_last_probe_timestamp_seconds When the last probe of a check by this process ended, in seconds since the epoch.
# TYPE aliascheck_last_probe_timestamp_seconds gauge
aliascheck_last_probe_timestamp_seconds{name="web",namespace="shop"} 1.80000000025e+09
`
	if err := testutil.CollectAndCompare(r.LastProbes(), strings.NewReader(expected)); err != nil {
		t.Error(err)
	}
}
