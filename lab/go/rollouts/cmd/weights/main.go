// Command weights is a traffic router for Argo Rollouts: it puts the canary's weight into one HTTPRoute.
//
// It does what Argo's own plug-in for the Gateway API does, with a JSON patch of two weights and nothing else. The route
// is named in the Rollout: `trafficRouting: {plugins: {shipway/weights: {route: NAME}}}`. Its first rule has two
// backends, the services that the Rollout calls stable and canary.
package main

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/argoproj/argo-rollouts/pkg/apis/rollouts/v1alpha1"
	"github.com/argoproj/argo-rollouts/rollout/trafficrouting/plugin/rpc"
	"github.com/argoproj/argo-rollouts/utils/plugin/types"
	"github.com/hashicorp/go-plugin"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	apitypes "k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/tools/clientcmd"
)

const name = "shipway/weights"

var routes = schema.GroupVersionResource{Group: "gateway.networking.k8s.io", Version: "v1", Resource: "httproutes"}

type operation struct {
	Op    string `json:"op"`
	Path  string `json:"path"`
	Value int64  `json:"value"`
}

type router struct{ client dynamic.Interface }

// InitPlugin connects to the cluster that KUBECONFIG names: the controller that starts us passes its environment on.
func (r *router) InitPlugin() types.RpcError {
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	config, err := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, nil).ClientConfig()
	if err != nil {
		return failure(err)
	}
	r.client, err = dynamic.NewForConfig(config)
	return failure(err)
}

// SetWeight is called again and again; it writes only where the route says something else.
func (r *router) SetWeight(rollout *v1alpha1.Rollout, percent int32, _ []v1alpha1.WeightDestination) types.RpcError {
	canary := rollout.Spec.Strategy.Canary
	var settings struct{ Route string }
	if err := json.Unmarshal(canary.TrafficRouting.Plugins[name], &settings); err != nil {
		return failure(err)
	}
	ctx, client := context.Background(), r.client.Resource(routes).Namespace(rollout.Namespace)
	route, err := client.Get(ctx, settings.Route, metav1.GetOptions{})
	if err != nil {
		return failure(err)
	}
	patch, err := reweighted(route, map[string]int64{
		canary.StableService: 100 - int64(percent),
		canary.CanaryService: int64(percent),
	})
	if err != nil || len(patch) == 0 {
		return failure(err)
	}
	body, err := json.Marshal(patch)
	if err != nil {
		return failure(err)
	}
	_, err = client.Patch(ctx, settings.Route, apitypes.JSONPatchType, body, metav1.PatchOptions{})
	return failure(err)
}

// reweighted is the patch that gives each backend of the first rule its weight; empty if each has it already.
func reweighted(route *unstructured.Unstructured, weights map[string]int64) ([]operation, error) {
	rules, _, err := unstructured.NestedSlice(route.Object, "spec", "rules")
	if err != nil || len(rules) == 0 {
		return nil, fmt.Errorf("route %s has no rules: %w", route.GetName(), err)
	}
	rule, _ := rules[0].(map[string]any)
	backends, _, err := unstructured.NestedSlice(rule, "backendRefs")
	if err != nil {
		return nil, err
	}
	var patch []operation
	for index, each := range backends {
		backend, _ := each.(map[string]any)
		weight, ours := weights[fmt.Sprint(backend["name"])]
		if ours && backend["weight"] != weight {
			path := fmt.Sprintf("/spec/rules/0/backendRefs/%d/weight", index)
			patch = append(patch, operation{Op: "add", Path: path, Value: weight})
		}
	}
	return patch, nil
}

func failure(err error) types.RpcError {
	if err == nil {
		return types.RpcError{}
	}
	return types.RpcError{ErrorString: err.Error()}
}

// What the interface asks for and two weights do not need.

func (r *router) UpdateHash(*v1alpha1.Rollout, string, string, []v1alpha1.WeightDestination) types.RpcError {
	return types.RpcError{}
}

func (r *router) SetHeaderRoute(*v1alpha1.Rollout, *v1alpha1.SetHeaderRoute) types.RpcError {
	return types.RpcError{}
}

func (r *router) SetMirrorRoute(*v1alpha1.Rollout, *v1alpha1.SetMirrorRoute) types.RpcError {
	return types.RpcError{}
}

func (r *router) VerifyWeight(
	*v1alpha1.Rollout, int32, []v1alpha1.WeightDestination,
) (types.RpcVerified, types.RpcError) {
	return types.NotImplemented, types.RpcError{}
}

func (r *router) RemoveManagedRoutes(*v1alpha1.Rollout) types.RpcError { return types.RpcError{} }

func (r *router) Type() string { return name }

func main() {
	plugin.Serve(&plugin.ServeConfig{
		HandshakeConfig: plugin.HandshakeConfig{
			ProtocolVersion:  1,
			MagicCookieKey:   "ARGO_ROLLOUTS_RPC_PLUGIN",
			MagicCookieValue: "trafficrouter",
		},
		Plugins: plugin.PluginSet{"RpcTrafficRouterPlugin": &rpc.RpcTrafficRouterPlugin{Impl: &router{}}},
	})
}
