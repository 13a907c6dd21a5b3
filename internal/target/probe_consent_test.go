package target

import "testing"

func TestWhichServiceAHostNames(t *testing.T) {
	for host, want := range map[string]string{
		"web":                              "/ false",
		"web.shop":                         "shop/web false",
		"web.shop.svc":                     "shop/web true",
		"WEB.Shop.SVC.":                    "shop/web true",
		"web.shop.svc.cluster.local":       "shop/web true",
		"pod-0.web.shop.svc.cluster.local": "shop/web true",
		"svc.shop.svc":                     "shop/svc true",
		"api.example.com":                  "/ false",
		"svc.example":                      "example/svc false",
		"10.0.0.1":                         "/ false",
		"fd00::1":                          "/ false",
	} {
		service, certain := serviceOf(host)
		got := service.String() + map[bool]string{true: " true", false: " false"}[certain]
		if got != want {
			t.Errorf("%s names %s, want %s", host, got, want)
		}
	}
}
