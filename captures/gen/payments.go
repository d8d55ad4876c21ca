package main

import "fmt"

// payments is the incident that the demo begins with.
var payments = []incident{
	{
		name: "payments-hourly", title: "Payments fail an hour after each restart", now: "2026-11-03T09:00:00Z", role: "payments-api", region: "eu-west-1",
		what:   "a release replaced a client that renewed its sessions by one that does not: since then every worker fails one hour after its start, until it is restarted",
		source: "[cube#11622](https://github.com/cube-js/cube/issues/11622), [expired credentials in SDKs](https://docs.aws.amazon.com/sdkref/latest/guide/feature-assume-role-credentials.html)",
		expect: expect{primary: "no-refresh", never: []string{"trust-policy-changed", "sts-service-event", "role-chaining-limit", "refresh-failing", "duration-above-max"},
			steps: map[string]string{"app-errors": "found", "trust-changes": "clear", "role-config": "clear"}},
		build: func(c *capture) {
			u := c.addUser("svc-payments")
			r := c.addRole("payments-api", 3600, trusting(u.Arn))
			c.addTrail("eu-west-1")
			c.background()
			g := c.addGroup("/prod/payments-api")
			for i := range 3 {
				w := c.user(u, fmt.Sprintf("198.51.100.%d", 11+i), boto)
				name := fmt.Sprintf("payments-api-%d", i)
				c.renewed(w, r, name, c.ago("30h"), c.ago("7h30m"), ask{})
				c.worker(g, w, r, name, name, c.ago([]string{"7h20m", "7h12m", "6h55m"}[i]), 6, ask{}, botoS3Expired)
			}
		},
	},
}
